"""Matching: which of two models' boxes are the same object: found by both, by one alone, or with another class.

Promises: pure. A box is in exactly one pair. Two are the same where they overlap by IOU or more; the same class first, then
the largest overlap. A classifier's best class is one finding without a box, which overlaps any other such.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.streams.predictions import Box, Prediction

IOU = 0.5
Kind = Literal["both", "lost", "gained", "changed"]


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a model shows."""

    class_name: str
    confidence: float
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """What the old model found, and the new one at the same place; one of them may be None."""

    old: Found | None
    new: Found | None

    @property
    def kind(self) -> Kind:
        if self.new is None:
            return "lost"
        if self.old is None:
            return "gained"
        return "both" if self.old.class_name == self.new.class_name else "changed"

    @property
    def differs(self) -> bool:
        return self.kind != "both"

    @property
    def class_name(self) -> str:
        """The old model's, where it found something."""
        return self.side.class_name

    @property
    def side(self) -> Found:
        found = self.old or self.new
        assert found is not None, "a pair has at least one side"
        return found


def shown(prediction: Prediction) -> tuple[Found, ...]:
    """What the product shows of it: boxes at or above the threshold, or a classifier's best class."""
    if prediction.task == "classify":
        return tuple(Found(one.class_name, one.confidence) for one in prediction.classes[:1])
    return tuple(Found(one.class_name, one.confidence, one.box) for one in prediction.above_threshold())


def matched(old: Sequence[Found], new: Sequence[Found]) -> tuple[Pair, ...]:
    """Every finding of both, in pairs; the old model's order, then what is new."""
    partners: dict[int, int] = {}
    for a, b in _closest_first(old, new):
        if a not in partners and b not in partners.values():
            partners[a] = b
    pairs = [Pair(found, new[partners[a]] if a in partners else None) for a, found in enumerate(old)]
    taken = set(partners.values())
    return (*pairs, *(Pair(None, found) for b, found in enumerate(new) if b not in taken))


def _closest_first(old: Sequence[Found], new: Sequence[Found]) -> list[tuple[int, int]]:
    """Indices of those that overlap enough."""
    close = []
    for a, one in enumerate(old):
        for b, other in enumerate(new):
            shared = overlap(one.box, other.box)
            if shared >= IOU:
                close.append((one.class_name != other.class_name, -shared, a, b))
    return [(a, b) for _, _, a, b in sorted(close)]


def overlap(one: Box | None, other: Box | None) -> float:
    """Intersection over union; 1 for two that speak of the whole picture, 0 where only one does."""
    if one is None or other is None:
        return float(one is other)
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return float(one == other)  # of no area: the same, or nothing
    both = width * height
    return both / (_area(one) + _area(other) - both)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
