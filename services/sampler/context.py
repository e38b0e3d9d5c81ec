"""Context: which frames before and after a kept one are kept beside it. Pure.

Promises: a choice depends on the order of a source's frames and on their log times alone, so a redelivery chooses the same
ones. At most MOST_EACH before and MOST_EACH after one kept frame, the nearest ones, whatever the frame rate.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.settings import Config

MOST_EACH = 50
"""Neighbours on either side of one kept frame."""
MOST_PLACES = 300
"""Frames of a source that are remembered between batches."""
WAIT_MS = 10_000
"""How much later than a frame's own time it may be kept: a strategy may wait for what comes after it."""


class Context(Config):
    """Frames kept beside a kept one, for whoever labels it or trains on clips."""

    before_s: float = Field(default=0.0, ge=0, le=60, description="how far back, seconds of log time")
    after_s: float = Field(default=0.0, ge=0, le=60, description="how far on, seconds of log time")
    every: int = Field(
        default=1,
        ge=1,
        le=MOST_PLACES,
        description=f"each n-th frame of the source in that span; at most {MOST_EACH} before and {MOST_EACH} after",
    )

    @model_validator(mode="after")
    def _some(self) -> "Context":
        if not self.before_s and not self.after_s:
            raise ValueError("expected before_s or after_s above 0, got neither: leave `context` out instead")
        return self

    @property
    def before_ms(self) -> int:
        return round(self.before_s * 1000)

    @property
    def after_ms(self) -> int:
        return round(self.after_s * 1000)


class Place(NamedTuple):
    """Where a frame's prediction lies, on the frame's partition."""

    frame_offset: int
    prediction_offset: int
    time_ms: int


class Want(BaseModel):
    """Frames that are still to come and are wanted beside one that was kept. Lies in the state store as JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    of: str = Field(description="sample id of the kept frame")
    model_id: str
    time_ms: int = Field(description="log time of the kept frame")
    until_ms: int
    last: int = Field(description="frame offset of the last one taken, at first of the kept frame: counted from here")
    left: int = MOST_EACH

    def is_over(self, newest_ms: int) -> bool:
        return self.left <= 0 or newest_ms > self.until_ms


def places_before(places: Sequence[Place], context: Context, frame_offset: int, time_ms: int) -> list[Place]:
    """Each n-th frame back from the kept one, as far as the span reaches, the nearest first."""
    back = places[: bisect_left(places, frame_offset, key=_offset)][::-1][context.every - 1 :: context.every]
    return [place for place in back if place.time_ms >= time_ms - context.before_ms][:MOST_EACH]


def places_after(places: Sequence[Place], context: Context, want: Want) -> tuple[list[Place], Want]:
    """Each n-th frame on from the last one taken, and what is wanted then."""
    on = places[bisect_right(places, want.last, key=_offset) :]
    due = [place for place in on[context.every - 1 :: context.every] if place.time_ms <= want.until_ms][: want.left]
    if not due:
        return [], want
    return due, want.model_copy(update={"last": due[-1].frame_offset, "left": want.left - len(due)})


def worn(places: Sequence[Place], context: Context) -> int:
    """How many of the oldest places nobody can ask for any more. The last `every` ones count what comes next."""
    newest_ms = places[-1].time_ms
    horizon_ms = newest_ms - context.before_ms - WAIT_MS
    out_of_time = next((n for n, place in enumerate(places) if place.time_ms >= horizon_ms), len(places))
    return max(len(places) - MOST_PLACES, min(out_of_time, len(places) - context.every), 0)


def _offset(place: Place) -> int:
    return place.frame_offset
