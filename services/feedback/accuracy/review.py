"""Review: one drawn frame, how likely its draw was, and what people made of it. What every estimate is made of.

Promises: plain values. `outcome` is None while nobody has decided; a frame without an image can never be judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """What people decided about one prediction.

    `wrong`: is anything wrong with the frame? None: single boxes were judged, the frame was not.
    `right`, `false`: per class, boxes that were shown and judged. `boxes_judged`: all shown boxes were.
    `missed`: per class ("" where nobody said which), objects that were not found; None: nobody looked for them.
    """

    wrong: bool | None
    right: Mapping[str, int] = field(default_factory=dict)
    false: Mapping[str, int] = field(default_factory=dict)
    boxes_judged: bool = False
    missed: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A design of `samples`, and its outcome.

    `probability`: the inclusion probability, > 0. `floor_probability`: of the floor's draws alone, 0 where there was none.
    `audit`: its place in the order of review, in [0, 1).
    """

    sample_id: str
    frame_id: str
    source_id: str
    model_id: str
    model_version: str
    time_ms: int
    probability: float
    floor_probability: float
    on_floor: bool
    audit: float
    missing: str | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What is known of all frames of a slice, from `tallies`: N, and the detections shown, per class."""

    frames: int
    frames_without: int = 0
    detections: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """Frames of one model version whose log time lies in [since_ms, until_ms)."""

    model_id: str
    model_version: str
    since_ms: int
    until_ms: int
    source_id: str | None = None
