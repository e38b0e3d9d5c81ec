"""Scenes for the strategies' tests: made by hand, and any at all."""

from typing import Any

from hypothesis import strategies as st

from services.sampler.recent.past import UNKNOWN, Blip, Flip, Jump, Lost, Past
from services.sampler.strategies.scene import Scene
from shared.streams.predictions import ClassScore, Detection, Prediction
from tests.unit.services.sampler.making import classified, detection, prediction

NAMES = ("package", "person", "cat", "dog")
confidences = st.floats(0, 1)
names = st.sampled_from(NAMES)


def scene(
    *confidences: float, past: Past = UNKNOWN, shadow: Prediction | None = None, gaps: int = 0, **more: Any
) -> Scene:
    return Scene(prediction(*confidences, **more), past, shadow, gaps)


def of_classes(*scores: float, shadow: Prediction | None = None, **more: Any) -> Scene:
    return Scene(classified(*scores, **more), shadow=shadow)


def at(left: float, confidence: float = 0.9, class_name: str = "package") -> Detection:
    """A box of 40 x 30 pixels that begins at `left`."""
    return detection(confidence, class_name).model_copy(update={"box": (left, 10.0, left + 40, 40.0)})


@st.composite
def boxes(draw: st.DrawFn) -> Detection:
    left, top = draw(st.floats(-10, 600)), draw(st.floats(-10, 300))
    width, height = draw(st.floats(0, 100)), draw(st.floats(0, 100))
    return Detection(
        box=(left, top, left + width, top + height),
        class_id=0,
        class_name=draw(names),
        confidence=draw(confidences),
    )


@st.composite
def predictions(draw: st.DrawFn, task: str | None = None) -> Prediction:
    """Of any thresholds, boxes and class scores; class scores sum to 1 at most and are sorted, as classifiers give them."""
    fields: dict[str, Any] = {
        "threshold": draw(confidences),
        "class_thresholds": draw(st.dictionaries(names, confidences, max_size=2)),
        "frame_index": draw(st.none() | st.integers(0, 1000)),
    }
    if (task or draw(st.sampled_from(("detect", "classify")))) == "detect":
        return prediction(**fields, detections=tuple(draw(st.lists(boxes(), max_size=8))))
    parts = sorted(draw(st.lists(confidences, max_size=4)), reverse=True)
    total = max(1.0, sum(parts))
    scores = tuple(
        ClassScore(class_id=i, class_name=name, confidence=part / total)
        for i, (name, part) in enumerate(zip(NAMES, parts, strict=False))
    )
    return prediction(**fields, task="classify", classes=scores)


pasts = st.just(UNKNOWN) | st.builds(
    Past,
    warm=st.just(True),
    count=st.integers(0, 50),
    counts=st.lists(st.integers(0, 50), max_size=3).map(tuple),
    lost=st.lists(st.builds(Lost, names, confidences, st.integers(3, 500), st.integers(1, 5)), max_size=3).map(tuple),
    blips=st.lists(st.builds(Blip, names, confidences), max_size=3).map(tuple),
    flips=st.lists(st.builds(Flip, names, names, confidences), max_size=3).map(tuple),
    jumps=st.lists(st.builds(Jump, names, confidences), max_size=3).map(tuple),
)
scenes = st.builds(Scene, predictions(), pasts, st.none() | predictions(), st.integers(0, 3))
