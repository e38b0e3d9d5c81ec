"""What the pictures of the strategies tell: a few frames each, what stands in them, and what the model says it sees.

Promises: only what a camera and a model would give; events and scores are not written here but found by the sampler's own
tracker and strategies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SIZES_PX = {"package": (40, 30), "person": (22, 54), "cat": (46, 30), "dog": (46, 30)}
WIDTH_PX, HEIGHT_PX = 148, 104
THRESHOLD = 0.5


@dataclass(frozen=True)
class Thing:
    """An object that is really there, its left and lower edge."""

    kind: str
    left: float
    foot: float = 84

    @property
    def box(self) -> tuple[float, float, float, float]:
        width, height = SIZES_PX[self.kind]
        return (self.left - 3, self.foot - height - 3, self.left + width + 3, self.foot + 3)

    def seen(self, confidence: float, as_class: str = "") -> "Seen":
        return Seen(as_class or self.kind, confidence, self.box)


@dataclass(frozen=True)
class Seen:
    """A detection."""

    class_name: str
    confidence: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Shot:
    """One frame: what is there, what the model sees, what a second model sees."""

    things: tuple[Thing, ...] = ()
    seen: tuple[Seen, ...] = ()
    shadow: tuple[Seen, ...] | None = None


@dataclass(frozen=True)
class Story:
    """`title` is what the picture says in a line; `before` is the frame that came nine times before the first."""

    title: str
    shots: tuple[Shot, ...]
    options: dict[str, Any]
    before: Shot | None = None


PACKAGE, LEFT, RIGHT = Thing("package", 54), Thing("package", 20), Thing("package", 86)
PERSON, ASIDE, CAT = Thing("person", 62), Thing("person", 98), Thing("cat", 50)
NOTHING = Shot()


def of(thing: Thing, *confidences: float | None) -> tuple[Shot, ...]:
    """One frame for each confidence; None: the model does not see it at all."""
    return tuple(Shot((thing,), () if p is None else (thing.seen(p),)) for p in confidences)


def packages(count: int, seen: int | None = None) -> Shot:
    things = tuple(Thing("package", 8 + 46 * (i % 3), 100 - 50 * (i // 3)) for i in range(count))
    return Shot(things, tuple(one.seen(0.9) for one in things[: count if seen is None else seen]))


def two(left: float | None, right: float | None) -> Shot:
    """Two packages that are there all the time, and how surely each is seen."""
    both = ((LEFT, left), (RIGHT, right))
    return Shot((LEFT, RIGHT), tuple(thing.seen(p) for thing, p in both if p is not None))


def street(count: int) -> Iterator[Shot]:
    """What passes a door in a day; the seventh is something that the model does not see."""
    passing = (of(PACKAGE, 0.9), of(PERSON, 0.8), (NOTHING,), of(CAT, 0.9), of(PERSON, None), (NOTHING,))
    for i in range(count):
        yield passing[i * 5 % 6][0]


STORIES = {
    "random": Story("Every frame has the same chance, whatever was seen or missed.", (*street(10),), {"fraction": 0.2}),
    "every_nth": Story("One random frame of each block of four.", (*street(12),), {"n": 4}),
    "uncertain": Story(
        "The closer to the threshold, and the less sure, the higher.", of(PACKAGE, 0.95, 0.78, 0.62, 0.46, 0.2), {}
    ),
    "temporal": Story(
        "What was there a moment ago is still there, but the model lost it.",
        (two(0.9, 0.88), two(0.9, 0.8), two(0.9, 0.4), two(0.9, None), two(0.9, 0.87)),
        {},
    ),
    "below_threshold": Story(
        "A box between at_least 0.30 and the threshold 0.50.",
        of(PACKAGE, 0.9, 0.55, 0.45, 0.32, 0.15),
        {"at_least": 0.3},
    ),
    "close_to_threshold": Story(
        "A box within 0.10 of the threshold 0.50, on either side.", of(PACKAGE, 0.9, 0.63, 0.56, 0.43, 0.2), {}
    ),
    "least_confidence": Story(
        "How far the least sure box that is shown is from 1.", of(PACKAGE, 0.97, 0.8, 0.65, 0.52, 0.4), {}
    ),
    "margin": Story(
        "Two classes claim one place: the closer their confidences, the higher.",
        tuple(
            Shot((CAT,), tuple(CAT.seen(p, name) for name, p in claims.items()))
            for claims in (
                {"cat": 0.95},
                {"cat": 0.9, "dog": 0.1},
                {"cat": 0.75, "dog": 0.35},
                {"cat": 0.6, "dog": 0.55},
                {"dog": 0.7, "cat": 0.2},
            )
        ),
        {},
    ),
    "entropy": Story(
        "A confidence near 0.5 leaves most open, shown or not.", of(PACKAGE, 0.98, 0.85, 0.6, 0.35, 0.08), {}
    ),
    "class_contains": Story(
        "A person is shown, whatever else there is.",
        (
            *of(PACKAGE, 0.9),
            *of(PERSON, 0.9),
            NOTHING,
            *of(PERSON, 0.4),
            Shot((LEFT, ASIDE), (LEFT.seen(0.9), ASIDE.seen(0.7))),
        ),
        {"selected_class_names": ("person",)},
    ),
    "detection_count": Story(
        "More than two boxes are shown.",
        (NOTHING, packages(1), packages(2), packages(3), packages(4)),
        {"more_than": 2},
    ),
    "ghost": Story(
        "A weak box: something was almost seen. What leaves no box at all stays unseen.",
        of(PACKAGE, 0.9, 0.46, 0.3, 0.1, None),
        {},
    ),
    "lost_track": Story(
        "An object that was followed from frame to frame is suddenly gone.",
        (two(0.9, 0.88), two(0.9, 0.86), two(0.9, None), two(0.9, None), two(0.9, 0.87)),
        {},
    ),
    "gap": Story(
        "It was there before and it is there after: known five frames later.",
        (two(0.9, 0.88), two(0.9, None), two(0.9, None), two(0.9, 0.86), two(0.9, 0.87)),
        {},
    ),
    "blip": Story(
        "A box came from nowhere and is gone again: known one frame later.",
        (*of(LEFT, 0.9) * 2, Shot((LEFT,), (LEFT.seen(0.9), RIGHT.seen(0.6))), *of(LEFT, 0.9) * 2),
        {},
    ),
    "flip": Story(
        "One object, two names: one of them is wrong.",
        tuple(
            Shot((CAT,), (CAT.seen(p, name),))
            for name, p in (("cat", 0.9), ("cat", 0.8), ("dog", 0.6), ("dog", 0.7), ("cat", 0.8))
        ),
        {},
    ),
    "jump": Story(
        "The confidence in one object changes from one frame to the next.", of(PACKAGE, 0.92, 0.9, 0.53, 0.88, 0.91), {}
    ),
    "count_change": Story(
        "Suddenly fewer, or more, than in the three frames before.",
        (packages(3), packages(3), packages(3, 2), packages(3, 1), packages(3)),
        {},
    ),
    "disagreement": Story(
        "A second model (pink) looks at the same frame, but for the last one.",
        (
            Shot((LEFT,), (LEFT.seen(0.9),), (LEFT.seen(0.8),)),
            Shot((LEFT, RIGHT), (LEFT.seen(0.9),), (LEFT.seen(0.8), RIGHT.seen(0.7))),
            Shot((CAT,), (CAT.seen(0.7),), (CAT.seen(0.7, "dog"),)),
            Shot((PERSON,), (), (PERSON.seen(0.6),)),
            Shot((PERSON,), (PERSON.seen(0.8),)),
        ),
        {},
    ),
    "any_of": Story(
        "least_confidence or ghost: unsure of what is shown, or almost seen.",
        (two(0.95, 0.95), two(0.95, 0.55), two(0.95, 0.45), two(0.55, 0.45), two(0.95, None)),
        {"strategies": ({"type": "least_confidence"}, {"type": "ghost"})},
    ),
    "all_of": Story(
        "class_contains and least_confidence: a person, and not sure.",
        (
            *of(PERSON, 0.97),
            *of(PACKAGE, 0.55),
            *of(PERSON, 0.55),
            *of(PERSON, 0.4),
            Shot((LEFT, ASIDE), (LEFT.seen(0.6), ASIDE.seen(0.9))),
        ),
        {
            "strategies": (
                {"type": "class_contains", "selected_class_names": ("person",)},
                {"type": "least_confidence", "selected_class_names": ("person",)},
            )
        },
    ),
}
