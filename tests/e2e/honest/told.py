"""Told: one figure of one run beside the truth, counted from all frames of its slice, drawn or not."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.feedback.accuracy.figures import Figure
from tests.e2e.honest.site import Frame

LIVE = "live_frame_error_rate"
HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Told:
    """One figure of one run, beside the truth. `low` None: it was refused."""

    name: str
    truth: float
    value: float | None
    low: float | None
    high: float | None

    @property
    def holds(self) -> bool:
        return self.low is not None and self.high is not None and self.low - HAIR <= self.truth <= self.high + HAIR


def name_of(figure: Figure) -> str:
    """`precision, a class`, `frame miss rate, a source`: figures of one kind stand together."""
    slices = {"a class": figure.class_name, "a source": figure.source_id, "a day": figure.day}
    kinds = [kind for kind, which in slices.items() if which]
    return ", ".join([figure.metric.replace("_", " "), *kinds])


def truth_of(figure: Figure, frames: Sequence[Frame]) -> float | None:
    """Of all frames of the slice; None where it has none."""
    some = [frame for frame in frames if _is_in(figure, frame)]
    if not some:
        return None
    if figure.metric in ("frame_error_rate", LIVE):
        return share_of_frames(some, lambda frame: frame.seen.is_wrong)
    if figure.metric == "frame_miss_rate":
        return share_of_frames(some, lambda frame: frame.seen.not_found > 0)
    if figure.metric == "object_recall":
        return sum(frame.seen.found for frame in some) / sum(len(frame.seen.labels) for frame in some)
    return _precision(some, figure.class_name)


def _is_in(figure: Figure, frame: Frame) -> bool:
    day = datetime.fromtimestamp(frame.ref.time_ms / 1000, UTC).date().isoformat()
    return figure.source_id in (None, frame.seen.source_id) and figure.day in (None, day)


def _precision(frames: Sequence[Frame], class_name: str | None) -> float:
    shown = [frame.seen.shown_per_class for frame in frames]
    false = [frame.seen.false_per_class for frame in frames]
    return 1 - _count(false, class_name) / _count(shown, class_name)


def _count(per_class: Iterable[Counter[str]], class_name: str | None) -> int:
    return sum(one.total() if class_name is None else one[class_name] for one in per_class)


def share_of_frames(frames: Sequence[Frame], is_so: Callable[[Frame], bool]) -> float:
    return sum(map(is_so, frames)) / len(frames)
