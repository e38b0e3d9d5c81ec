"""Flow: what came in, was chosen and was sent, counted from the read model's samples of a window."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from services.feedback.accuracy.review import Totals
from services.feedback.read_model import ReadModel
from services.feedback.read_model.filters import Filters
from services.feedback.read_model.totals import whole_minute
from services.feedback.report.content import Flow
from services.feedback.report.options import Asked

PAGE = 1_000
_Sample = Mapping[str, Any]
"""An `answers.Sample`, as JSON has it."""


def flow(model: ReadModel, asked: Asked, all_frames: Totals) -> Flow:
    counted, missing, strategies = Counter[str](), Counter[str](), Counter[str]()
    for sample in _samples(model, asked):
        counted.update(_counts(sample))
        if sample["kind"] == "design":
            strategies.update(reason["strategy"] for reason in sample["reasons"])
            missing.update([sample["missing"]] if sample["missing"] else [])
    return Flow(
        frames=all_frames.frames,
        frames_without=all_frames.frames_without,
        missing=dict(missing.most_common()),
        strategies=dict(strategies.most_common()),
        **counted,
    )


def _counts(sample: _Sample) -> dict[str, int]:
    drawn = {"drawn": 1} if sample["kind"] == "design" else {}
    if sample["image"] is None:
        return drawn
    size, upload = sample["image"]["size"], sample["upload"]
    counts = {**drawn, "kept": 1, "kept_bytes": size}
    if upload == "sent":
        counts |= {"sent": 1, "sent_bytes": size}
    return {**counts, "pending": 1} if upload == "pending" else counts


def _samples(model: ReadModel, asked: Asked) -> Iterator[_Sample]:
    filters = Filters(
        collection=asked.collection, since_ms=whole_minute(asked.since_ms), until_ms=whole_minute(asked.until_ms)
    )
    cursor: str | None = None
    while True:
        page = json.loads(model.samples(filters, "newest", cursor, PAGE))
        yield from page["samples"]
        cursor = page["next"]
        if cursor is None:
            return
