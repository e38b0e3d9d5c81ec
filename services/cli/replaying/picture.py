"""The picture of a replay: what the new settings gain on the left, what they lose on the right, each with its reasons.

Promises: frames are read back by reference while they are there, their previews from the buffer else; what is gone is left out.
"""

from collections.abc import Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from services.cli.contact_sheet import PICTURE_HEIGHT_PX, TILE_WIDTH_PX, sheet
from services.cli.drawing import MAT
from services.cli.rehearsal.picture import odds
from services.cli.replaying.report import Report, spread
from services.sampler.replay.drawn import Drawn
from services.uploader.annotations import annotate
from services.uploader.formats import coco
from services.uploader.formats.coco import Fragment
from shared import imaging
from shared.bootstrap import OpenBackend
from shared.errors import InvalidImage, InvalidMessage, RecordGone
from shared.ports.log import Reader
from shared.streams import PREDICTIONS, frames, keys
from shared.streams.predictions import Prediction
from shared.streams.samples import Design, Reason

EACH, TRIED, HALF = 12, 60, 2
"""Shown of a kind at most; looked for, since pixels may be gone; tiles of a kind beside each other."""
Pixels = NDArray[np.uint8]
Shown = tuple[Pixels, Fragment]


def picture_of(report: Report, live: OpenBackend) -> bytes | None:
    """A PNG; None where nothing changed or nothing can be shown any more. Raises Unavailable."""
    changed = report.changed
    if changed is None:
        return None
    with closing(live.log.reader()) as reader:
        gained = _shown(live, reader, changed.gained, "gained")
        lost = _shown(live, reader, changed.lost, "lost")
    if not gained and not lost:
        return None
    title = f"{len(changed.gained):,} gained (left), {len(changed.lost):,} lost (right), {changed.both:,} kept by both"
    return sheet(beside(gained, lost, report.replayed.covered.start_ms), title, _below(report))


def beside(left: Sequence[Shown], right: Sequence[Shown], since_ms: int) -> list[Shown]:
    """Rows of four: two of the left, two of the right; what is missing of one is left blank."""
    rows = max(-(-len(one) // HALF) for one in (left, right))
    tiles: list[Shown] = []
    for row in range(rows):
        for side, what in ((left, "gained"), (right, "lost")):
            here = list(side[row * HALF : (row + 1) * HALF])
            tiles += [*here, *(_blank(what, since_ms) for _ in range(HALF - len(here)))]
    return tiles


def _shown(live: OpenBackend, reader: Reader, drawn: Sequence[Drawn], badge: str) -> list[Shown]:
    found: list[Shown] = []
    for one in spread(drawn, TRIED):
        shown = _one(live, reader, one, badge) if len(found) < EACH else None
        if shown is not None:
            found.append(shown)
    return found


def _one(live: OpenBackend, reader: Reader, one: Drawn, badge: str) -> Shown | None:
    try:
        prediction = PREDICTIONS.decode(reader.read(PREDICTIONS.name, *one.place))
    except (RecordGone, InvalidMessage):
        return None
    pixels = _frame(live, reader, prediction)
    if pixels is not None:
        return pixels, _fragment(one, prediction, badge)
    preview = _preview(live, one)
    return None if preview is None else (preview, {**_fragment(one, prediction, badge), "boxes": [], "doubts": []})


def _frame(live: OpenBackend, reader: Reader, prediction: Prediction) -> Pixels | None:
    ref = prediction.frame
    try:
        frame = frames.decode(reader.read(ref.stream, ref.partition, ref.offset))
        image = live.pixels.image_if_there(frame) if frame.ref == ref else None
        return None if image is None else np.asarray(imaging.decode(image), np.uint8)
    except (RecordGone, InvalidMessage, InvalidImage):
        return None


def _preview(live: OpenBackend, one: Drawn) -> Pixels | None:
    """Of what was kept live: smaller than the frame, so that boxes would not fit."""
    at = keys.buffered_image(
        one.collection, one.sample_id, time_ms=one.time_ms, content_type="image/jpeg", sha256="", size=0
    )
    data = live.images.get(at.preview_key)
    try:
        return None if data is None else np.asarray(imaging.decode(data), np.uint8)
    except InvalidImage:
        return None


def _fragment(one: Drawn, prediction: Prediction, badge: str) -> Fragment:
    fragment = coco.fragment(_design(one, prediction), annotate(prediction), "")
    reasons = [{"strategy": label, "rule": _told(one, label, rule)} for label, rule in one.rules.items()]
    sure = "" if one.is_certain else ", if no gate takes it"
    return {**fragment, "reasons": reasons, "badge": f"{badge}{sure}"}


def _told(one: Drawn, label: str, rule: str) -> str:
    """`uncertain: package 0.19, near 0.50 (1 in 12 is kept)`. Some rules say their odds themselves."""
    said = "" if "1 in" in rule else f" ({odds(one.probabilities.get(label) or one.probability)})"
    return f"{label.replace('_', ' ')}: {rule}{said}"


def _design(one: Drawn, prediction: Prediction) -> Design:
    return Design(
        sample_id=one.sample_id,
        collection=one.collection,
        prediction_id=one.prediction_id,
        prediction=prediction,
        destinations=(),
        settings_version="",
        reasons=_reasons(one),
        probabilities=dict(one.probabilities),
        probability=one.probability,
        salt_fingerprint="",
    )


def _reasons(one: Drawn) -> tuple[Reason, ...]:
    """With their scores: a weak box that is the reason is drawn too."""
    return tuple(
        Reason(strategy=label, rule=rule, score=one.scores.get(label), probability=one.probability)
        for label, rule in one.rules.items()
    )


def _blank(what: str, since_ms: int) -> Shown:
    pixels = np.full((PICTURE_HEIGHT_PX, TILE_WIDTH_PX, 3), MAT, np.uint8)
    said = {"strategy": "", "rule": f"nothing more is {what}, or can be shown"}
    return pixels, {
        "reasons": [said],
        "verdicts": [],
        "boxes": [],
        "flags": [],
        "log_time_ms": since_ms,
        "source_id": "since",
    }


def _below(report: Report) -> str:
    assert report.new is not None, "only a comparison has a picture"
    old, new = report.old, report.new
    return f"kept {old.kept} by {old.version}, {new.kept} by {new.version}; nothing was written"
