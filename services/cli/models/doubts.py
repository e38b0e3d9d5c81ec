"""What is only a guess about a model file, what its export took away for ever, and what it costs as it is.

Promises: pure. A guess is told only where neither sidecar nor settings nor the files beside it settle it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.models.families.family import Family
from shared.models.families.metadata import literal
from shared.models.model import Model
from shared.models.sidecar import InputOptions, Sidecar


@dataclass(frozen=True, slots=True)
class Guess:
    """What no rule can tell of a family's file; any of these keys of a sidecar settles it."""

    keys: tuple[str, ...]
    sentence: str


GUESSES: Mapping[str, Guess] = {
    "yolox": Guess(
        ("input.color", "input.scale", "input.mean"),
        "BGR in 0..255 is a guess: YOLOX's first checkpoints want RGB in 0..1 with mean and std; `input:` says it",
    ),
    "detr": Guess(
        ("scores.activation",),
        "softmax (with a `pixel_mask`) or sigmoid is a guess; `scores: {activation: softmax}` or `sigmoid` says it",
    ),
    "rfdetr": Guess(
        ("scores.background", "scores.background_index"),
        "that the last slot is background is a guess; COCO's checkpoints have none: `scores: {background: false}`",
    ),
}
CUT_OFF: Mapping[str, str] = {
    "torchvision": "inside the graph, by default below 0.05 (Faster R-CNN), 0.01 (SSD), 0.001 (SSDLite)",
    "yolov7-end2end": "inside the graph, by default below 0.25",
    "efficientnms": "inside the graph, by default below 0.25",
    "tf-od": "inside the graph, below its pipeline's score_threshold",
    "mmdeploy": "inside the graph, below its config's score_thr",
    "caffe-ssd": "inside the graph, below its layer's confidence_threshold",
}
"""The families' exporters suppress in the graph; none writes its threshold into the file."""
NEVER_WEAK = frozenset({"yolov7-end2end", "efficientnms"})


def warnings(model: Model, *, is_named: bool) -> Iterator[str]:
    """Sentences. `is_named`: somebody says what the classes are called."""
    family = model.family
    if not is_named:
        yield "no class names: predictions say class0, class1, …; `names: [person, car]` says them"
    guess = GUESSES.get(family.name)
    if guess is not None and not _settled(model.said, guess):
        yield guess.sentence
    if not family.signature.metadata and model.said.input == InputOptions():
        yield "the file says nothing of itself: size, colour and scale are the family's usual ones"
    yield from _of_input(family)
    if family.name in NEVER_WEAK or _exported_with(family).get("nms"):
        yield "weak boxes were cut off in the graph: what hints at missed objects is gone; export it with a low threshold"


def _settled(said: Sidecar, guess: Guess) -> bool:
    """Whether somebody says it, beside the file or in the settings."""
    return any(getattr(getattr(said, section), key) is not None for section, key in (k.split(".") for k in guess.keys))


def _of_input(family: Family) -> Iterator[str]:
    if family.input.batch is not None and family.input.batch > 1:
        yield f"the batch is fixed at {family.input.batch}: a frame that comes alone costs as much as {family.input.batch}"
    size_said = family.said.input.size is not None or "imgsz" in family.signature.metadata
    if family.input.free_size and not size_said and family.preparation.mode in ("letterbox", "stretch"):
        width, height = family.input.size_px
        yield f"the size is free and nobody says it: {width}x{height} is taken; `input: {{size: [height, width]}}` says it"


def cut_off(family: Family) -> str:
    """What never comes out of the graph, whatever threshold is set here."""
    exported = _exported_with(family)
    if exported.get("nms"):
        conf = exported.get("conf")
        return f"inside the graph, {f'below {conf}' if conf else 'by default below 0.25'}"
    return CUT_OFF.get(family.name, "")


def _exported_with(family: Family) -> Mapping[str, Any]:
    """Ultralytics' arguments of the export."""
    said = literal(family.signature.metadata, "args")
    return said if isinstance(said, Mapping) else {}
