"""A site's frames, what a detector says of them, and what is true: three sources, two classes, errors of every kind.

Promises: pure but for the generator. Errors are false boxes, wrong classes and missed objects; half of them where the model
is unsure, half where it is as sure as can be. What is true is what `services.feedback.accuracy.judging` means by it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from shared.streams.predictions import Box, Detection
from shared.streams.verdicts import Label

WIDTH_PX, HEIGHT_PX, CELL_PX = 640, 480, 160
CELLS = tuple((x, y) for x in range(0, WIDTH_PX, CELL_PX) for y in range(0, HEIGHT_PX, CELL_PX))
CLASSES = ("package", "person")
THRESHOLD = 0.5
DIFFICULTY = {"dock": 0.5, "door": 1.0, "yard": 1.5}
"""Per source: its error rate, in units of the site's."""
CLIP_FRAMES = 12
"""Mean length of a scene that shows the same objects, and the same pixels."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame: what the detector said, and what is true. `false`: index of a shown box -> the right class, None: nothing is
    there. `missed`: objects without any shown box. `picture`: frames with one number look alike.
    """

    source_id: str
    picture: int
    detections: tuple[Detection, ...]
    false: Mapping[int, str | None]
    missed: tuple[Label, ...]
    labels: tuple[Label, ...]

    @property
    def shown(self) -> list[int]:
        return [index for index, one in enumerate(self.detections) if one.confidence >= THRESHOLD]

    @property
    def is_wrong(self) -> bool:
        return bool(self.false or self.missed)

    @property
    def shown_per_class(self) -> Counter[str]:
        return Counter(self.detections[index].class_name for index in self.shown)

    @property
    def false_per_class(self) -> Counter[str]:
        return Counter(self.detections[index].class_name for index in self.false)

    @property
    def found(self) -> int:
        return len(self.shown) - len(self.false)

    @property
    def not_found(self) -> int:
        """Objects that no right box shows: also those under a box of another class."""
        return len(self.labels) - self.found


def stream(rng: np.random.Generator, error_rate: float) -> Iterator[Seen]:
    """Frames for ever, the sources in turn. `error_rate`: of objects, in the source of difficulty 1."""
    scenes = {source_id: _scenes(rng) for source_id in DIFFICULTY}
    while True:
        for source_id, difficulty in DIFFICULTY.items():
            picture, objects = next(scenes[source_id])
            yield _look(rng, source_id, picture, objects, error_rate * difficulty)


def _scenes(rng: np.random.Generator) -> Iterator[tuple[int, tuple[Label, ...]]]:
    """(picture, objects) of one source, frame by frame."""
    while True:
        picture, objects = int(rng.integers(40)), _objects(rng)
        for _ in range(int(rng.geometric(1 / CLIP_FRAMES))):
            yield picture, objects


def _objects(rng: np.random.Generator) -> tuple[Label, ...]:
    cells = rng.permutation(len(CELLS))[: int(rng.choice(4, p=(0.25, 0.35, 0.25, 0.15)))]
    return tuple(Label(class_name=CLASSES[int(rng.random() < 0.4)], box=box(int(cell))) for cell in cells)


def box(cell: int) -> Box:
    left, top = CELLS[cell]
    return left + 20.0, top + 20.0, left + 120.0, top + 140.0


def _look(
    rng: np.random.Generator, source_id: str, picture: int, objects: tuple[Label, ...], error_rate: float
) -> Seen:
    said: list[Detection] = []
    false: dict[int, str | None] = {}
    missed: list[Label] = []
    for one in objects:
        die = rng.random()
        if die < 0.5 * error_rate:
            missed.append(one)
            if rng.random() < 0.6:  # the model saw something, and was not sure enough to say so
                said.append(_detection(one, rng.uniform(0.1, 0.45)))
        elif die < error_rate:
            false[len(said)] = one.class_name
            said.append(_detection(one, _error_confidence(rng), other_class=True))
        else:
            said.append(_detection(one, 0.5 + 0.5 * rng.beta(4.0, 1.5)))
    said += _weak_noise(rng, objects)
    if rng.random() < error_rate:
        false[len(said)] = None
        said.append(_detection(_nothing(rng, objects), _error_confidence(rng)))
    return Seen(source_id, picture, tuple(said), false, tuple(missed), objects)


def _error_confidence(rng: np.random.Generator) -> float:
    """Half of the errors look like doubt, half are among the most confident."""
    return float(rng.uniform(0.5, 0.65) if rng.random() < 0.5 else rng.uniform(0.9, 0.99))


def _weak_noise(rng: np.random.Generator, objects: tuple[Label, ...]) -> list[Detection]:
    """Below the product threshold: shown to nobody."""
    return [_detection(_nothing(rng, objects), rng.uniform(0.05, 0.4))] if rng.random() < 0.1 else []


def _nothing(rng: np.random.Generator, objects: tuple[Label, ...]) -> Label:
    """A place without an object."""
    taken = {one.box for one in objects}
    free = [cell for cell in range(len(CELLS)) if box(cell) not in taken]
    return Label(class_name=CLASSES[int(rng.random() < 0.4)], box=box(int(rng.choice(free))))


def _detection(of: Label, confidence: float, other_class: bool = False) -> Detection:
    class_id = CLASSES.index(of.class_name or "") ^ int(other_class)
    assert of.box is not None
    return Detection(box=of.box, class_id=class_id, class_name=CLASSES[class_id], confidence=round(confidence, 4))
