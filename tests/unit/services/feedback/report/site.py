"""A site whose truth is known: three cameras, a floor and doubtful frames, people who judge and who stay silent."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from shared.streams.predictions import Detection, Prediction
from shared.streams.samples import Design, new_sample
from shared.streams.tallies import MINUTE_MS
from shared.streams.verdicts import new_shown
from tests.unit.services.feedback.read_model.making import SALT, START_MS, Streams, design_of, shown_of

DAY_MIN = 24 * 60
FLOOR, DOUBTFUL = 0.2, 0.75
ERROR_RATES = {"front-door": 0.03, "back-door": 0.05, "loading-bay": 0.12}
CLASSES = (("package", 0.02), ("person", 0.04), ("bicycle", 0.15))
"""Name, and how often its box is wrong."""
OBJECTION_S = 3600
IMAGE_BYTES = 120_000


def settings(folder: Path) -> dict[str, Any]:
    return {"backend": {"type": "embedded", "folder": str(folder)}, "salt": SALT.decode()}


@contextmanager
def site(folder: Path, days: float, frames: int, seed: int = 7) -> Iterator[Streams]:
    """Its streams, ending now, and its settings file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gleaner.yaml").write_text(yaml.safe_dump(settings(folder)))
    streams = Streams(folder)
    try:
        ends_min = (round(time.time() * 1000) - START_MS) / MINUTE_MS - 1
        _live(streams, random.Random(seed), ends_min - days * DAY_MIN, ends_min, frames)
        streams.tell()
        yield streams
    finally:
        streams.close()


def _live(streams: Streams, chance: random.Random, from_min: float, to_min: float, frames: int) -> None:
    """The second half by a better model."""
    for number in range(frames):
        share = number / frames
        source_id = chance.choice(list(ERROR_RATES))
        wrong = chance.random() < ERROR_RATES[source_id] * (1.3 if share < 0.5 else 0.7)
        changes = {
            "source_id": source_id,
            "model_version": "6" if share < 0.5 else "7",
            "detections": _boxes(chance),
        }
        probability = DOUBTFUL if wrong or chance.random() < 0.02 else FLOOR
        minute = from_min + (to_min - from_min) * share
        drawn = _draw(streams, chance, minute, probability, changes) if chance.random() < probability else None
        seen = drawn.prediction if drawn else streams.predict(minute, **changes)[1]
        if chance.random() < 0.3:
            _show(streams, chance, seen, wrong)
        if drawn is not None:
            _judge(streams, chance, drawn, wrong)


def _boxes(chance: random.Random) -> Sequence[Detection]:
    found = [place for place in range(len(CLASSES)) if chance.random() < 0.6]
    return tuple(
        Detection(
            box=(10, 10 + 40 * place, 90, 40 + 40 * place), class_id=place, class_name=CLASSES[place][0], confidence=0.8
        )
        for place in found
    )


def _draw(
    streams: Streams, chance: random.Random, minute: float, probability: float, changes: dict[str, Any]
) -> Design:
    doubtful = probability > FLOOR
    missing = "limit:hour" if chance.random() < 0.02 else None
    on_floor = not doubtful or chance.random() < FLOOR / probability
    prediction_id, prediction = streams.predict(minute, **changes)
    design = design_of(
        prediction,
        prediction_id,
        probabilities={"random": FLOOR, "uncertain": 0.6875 if doubtful else 0.0},
        probability=probability,
        strategy="random" if on_floor else "uncertain",
        missing=missing,
    )
    if design.image is not None:
        design = design.model_copy(update={"image": design.image.model_copy(update={"size": IMAGE_BYTES})})
    streams.send(new_sample(design))
    if missing is None:
        streams.upload(design, "accepted")
    return design


def _judge(streams: Streams, chance: random.Random, design: Design, wrong: bool) -> None:
    """Most of what was drawn, in whatever order."""
    if design.missing or chance.random() < 0.004:
        return
    seen = design.prediction
    kind = "confirmed" if not wrong else "missed"
    boxes = [place for place, box in enumerate(seen.detections) if chance.random() < dict(CLASSES)[box.class_name]]
    streams.judge(
        seen, kind, exhaustive=kind == "confirmed", caller="inbox", reviewer=chance.choice(("ana", "ben", "cem"))
    )
    for place in boxes if wrong else ():
        streams.judge(seen, "rejected", detection_index=place, caller="inbox", reviewer="ana")


def _show(streams: Streams, chance: random.Random, seen: Prediction, wrong: bool) -> None:
    """To a user, who rejects half of what is wrong."""
    streams.send(
        new_shown(shown_of(seen, f"shown {seen.frame.frame_id}").model_copy(update={"objection_s": OBJECTION_S}))
    )
    if wrong and chance.random() < 0.5:
        streams.judge(seen, "missed", caller="app", reviewer="a user")
