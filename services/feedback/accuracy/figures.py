"""All figures of a window: of all frames, per source, per day, and the precision of each class.

Promises: pure. A figure always says what it was made from, and has a value with its interval or the reason why there is none,
never both. Rates go the way their names say: errors and misses are better low, precision and recall high.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from services.feedback.accuracy import estimates
from services.feedback.accuracy.audit import Refusal, least_floor
from services.feedback.accuracy.estimates import Boxes, Estimate, Method
from services.feedback.accuracy.intervals import ALPHA
from services.feedback.accuracy.review import Review, Totals

Metric = Literal["frame_error_rate", "precision", "frame_miss_rate", "object_recall", "live_frame_error_rate"]
LEVEL = 1 - ALPHA


@dataclass(frozen=True, slots=True)
class Figure:
    """A rate of one slice: `source_id`, `class_name`, `day` are None where it is of all of them.

    `frames`: N, all frames of the slice; of precision `shown`: all boxes, D_k. `verified`, `on_floor`, `coverage`, `open` and
    `missing` as in `estimates.Counts`; where the figure was refused they count all drawn frames of the slice.
    """

    metric: Metric
    value: float | None
    low: float | None
    high: float | None
    method: Method | None
    refused: Refusal | None
    verified: int
    on_floor: int
    frames: int
    coverage: float
    open: int
    missing: int
    shown: int | None = None
    level: float = LEVEL
    source_id: str | None = None
    class_name: str | None = None
    day: str | None = None


@dataclass(frozen=True, slots=True)
class _Slice:
    reviews: Sequence[Review]
    totals: Totals
    least_probability: float
    source_id: str | None = None
    day: str | None = None


def utc_day(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).date().isoformat()


def figures(
    reviews: Sequence[Review],
    totals: Mapping[tuple[str, str], Totals],
    boxes: Boxes | None = None,
    day_of: Callable[[int], str] = utc_day,
) -> list[Figure]:
    """Of the designs of one collection in one window (one model version), each frame once; always in the same order.

    `totals`: of all frames per (source id, day), where a day is what `day_of` makes of a log time in ms. `boxes`: of frames
    whose boxes were not all judged, or that have no image (`estimates.precision`).
    """
    all_of_it = _Slice(reviews, add(totals.values()), least_floor(reviews))
    made = [*_of_slice(all_of_it, boxes), _live(all_of_it)]
    made += [_precision(all_of_it, boxes, name) for name in sorted(all_of_it.totals.detections)]
    for slice_ in (*_per_source(reviews, totals), *_per_day(reviews, totals, day_of)):
        made += _of_slice(slice_, boxes)
    return made


def add(totals: Iterable[Totals]) -> Totals:
    frames = frames_without = 0
    detections: dict[str, int] = defaultdict(int)
    for one in totals:
        frames += one.frames
        frames_without += one.frames_without
        for name, count in one.detections.items():
            detections[name] += count
    return Totals(frames, frames_without, dict(detections))


def _per_source(reviews: Sequence[Review], totals: Mapping[tuple[str, str], Totals]) -> Iterator[_Slice]:
    """A source has a floor of its own."""
    by_source = _grouped(reviews, lambda review: review.source_id)
    for source_id in sorted({source_id for source_id, _ in totals} | set(by_source)):
        own = add(one for (source, _), one in totals.items() if source == source_id)
        drawn = by_source.get(source_id, [])
        yield _Slice(drawn, own, least_floor(drawn), source_id=source_id)


def _per_day(
    reviews: Sequence[Review], totals: Mapping[tuple[str, str], Totals], day_of: Callable[[int], str]
) -> Iterator[_Slice]:
    """A day's few draws say little of how small a probability could be: the window's floor holds."""
    by_day = _grouped(reviews, lambda review: day_of(review.time_ms))
    for day in sorted({day for _, day in totals} | set(by_day)):
        own = add(one for (_, that), one in totals.items() if that == day)
        yield _Slice(by_day.get(day, []), own, least_floor(reviews), day=day)


def _grouped(reviews: Sequence[Review], key: Callable[[Review], str]) -> dict[str, list[Review]]:
    groups: dict[str, list[Review]] = defaultdict(list)
    for review in reviews:
        groups[key(review)].append(review)
    return groups


def _of_slice(of: _Slice, boxes: Boxes | None) -> list[Figure]:
    frames, least = of.totals.frames, of.least_probability
    return [
        _figure(of, "frame_error_rate", estimates.frame_error_rate(of.reviews, frames, least)),
        _figure(of, "frame_miss_rate", estimates.frame_miss_rate(of.reviews, frames, least)),
        _figure(of, "object_recall", estimates.object_recall(of.reviews, frames, least, boxes)),
        _precision(of, boxes),
    ]


def _live(of: _Slice) -> Figure:
    made = estimates.live_frame_error_rate(of.reviews, of.totals.frames, of.least_probability)
    return _figure(of, "live_frame_error_rate", made)


def _precision(of: _Slice, boxes: Boxes | None, class_name: str | None = None) -> Figure:
    made = estimates.precision(of.reviews, of.totals, class_name, of.least_probability, boxes)
    detections = of.totals.detections
    shown = sum(detections.values()) if class_name is None else detections.get(class_name, 0)
    return _figure(of, "precision", made, class_name, shown)


def _figure(
    of: _Slice, metric: Metric, made: Estimate | Refusal, class_name: str | None = None, shown: int | None = None
) -> Figure:
    rate = None if isinstance(made, Refusal) else made.rate
    counts = estimates.drawn(of.reviews, of.totals.frames) if isinstance(made, Refusal) else made.counts
    return Figure(
        metric=metric,
        value=rate and rate.value,
        low=rate and rate.low,
        high=rate and rate.high,
        method=None if isinstance(made, Refusal) else made.method,
        refused=made if isinstance(made, Refusal) else None,
        verified=counts.verified,
        on_floor=counts.on_floor,
        frames=of.totals.frames,
        coverage=counts.coverage,
        open=counts.open,
        missing=counts.missing,
        shown=shown,
        source_id=of.source_id,
        class_name=class_name,
        day=of.day,
    )
