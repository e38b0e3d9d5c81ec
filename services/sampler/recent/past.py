"""What a source's recent past says about one frame: the events of this frame, found by the tracker. Pure.

Promises: never changed once made, so that a frame may wait for what comes after it and still be judged by its own moment.
"""

from typing import NamedTuple


class Lost(NamedTuple):
    """A track of at least three hits that this frame does not show, up to five frames after its last hit."""

    class_name: str
    confidence: float
    """Of its last hit."""
    hits: int
    missed: int
    """Frames since its last hit, this one included: 1 to 5."""


class Flip(NamedTuple):
    """A track whose class changed in this frame."""

    before: str
    after: str
    confidence: float


class Jump(NamedTuple):
    """A track whose confidence changed by `delta` (absolute) from the frame before."""

    class_name: str
    delta: float


class Blip(NamedTuple):
    """A track of one or two hits that began and ended inside the picture; seen when it is gone for good or missed once."""

    class_name: str
    confidence: float


class Past(NamedTuple):
    """The events of one frame. `counts`: detections of up to three frames before, the latest last.

    `warm`: enough of this source was seen to believe them; until then they are empty.
    """

    warm: bool = False
    count: int = 0  # type: ignore[assignment]  # a tuple's `count` is nothing that anybody asks of these
    counts: tuple[int, ...] = ()
    lost: tuple[Lost, ...] = ()
    blips: tuple[Blip, ...] = ()
    flips: tuple[Flip, ...] = ()
    jumps: tuple[Jump, ...] = ()
    returned: tuple[int, ...] = ()
    """Tracks that came back in this frame: how many frames before it missed each, 1 to 5."""


UNKNOWN = Past()
