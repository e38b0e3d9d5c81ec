"""Totals: how many frames, and detections per class, a window has. Added up from days, hours and minutes, and the tail.

Promises: exact to the minute of log time, whatever the window and the time zone.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.feedback.accuracy.review import Totals, Window
from services.feedback.read_model.database import Connection
from services.feedback.read_model.names import named, number_of, version_name
from services.feedback.read_model.tail import Signed
from services.feedback.read_model.taking_tallies import SPANS_MS
from shared.streams.tallies import MINUTE_MS, Count

ALL = "AND source = 0"
EACH = "AND source IN (SELECT id FROM names WHERE kind = 'source')"
Span = tuple[int, int, int]
"""(how long its rows are, first, end), all in milliseconds."""


@dataclass(slots=True)
class Sum:
    """Totals while they grow."""

    frames: int = 0
    frames_without: int = 0
    detections: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def totals(self) -> Totals:
        detections = {name: n for name, n in sorted(self.detections.items()) if n}
        return Totals(self.frames, self.frames_without, detections)


def whole_minute(time_ms: int) -> int:
    """Where a window that begins, or ends, at this moment does so: a minute belongs to where it begins."""
    return -(-time_ms // MINUTE_MS) * MINUTE_MS


def totals(db: Connection, window: Window, tail: Iterable[Signed], classes: Mapping[int, str] | None = None) -> Totals:
    sums = _sums(db, window, ALL, lambda _: "", classes or named(db, "class"))
    _add_tail(sums, window, tail, lambda _: "")
    return sums[""].totals()


def totals_by_source(db: Connection, window: Window, tail: Iterable[Signed]) -> dict[str, Totals]:
    names = named(db, "source")
    sums = _sums(db, window, EACH, lambda number: names[number], named(db, "class"))
    _add_tail(sums, window, tail, lambda count: count.source_id)
    return {source: one.totals() for source, one in sorted(sums.items()) if one.frames}


def totals_by_day(db: Connection, window: Window, tail: Iterable[Signed], timezone: ZoneInfo) -> dict[str, Totals]:
    """Days that have frames, by their date in this time zone."""
    beyond, classes = list(tail), named(db, "class")
    days = {date: totals(db, day, beyond, classes) for date, day in days_of(_met(db, window, beyond), timezone)}
    return {date: total for date, total in days.items() if total.frames}


def totals_per_source_and_day(
    db: Connection, window: Window, tail: Iterable[Signed], timezone: ZoneInfo
) -> dict[tuple[str, str], Totals]:
    """Per (source id, date in this time zone); without those that have no frames."""
    beyond = list(tail)
    days = days_of(_met(db, window, beyond), timezone)
    return {
        (source_id, date): total for date, day in days for source_id, total in totals_by_source(db, day, beyond).items()
    }


def days_of(window: Window, timezone: ZoneInfo) -> Iterator[tuple[str, Window]]:
    """The window cut at midnights of a time zone: (date, the window's part of that day)."""
    since_ms = window.since_ms
    while since_ms < window.until_ms:
        day = datetime.fromtimestamp(since_ms / 1000, timezone).date()
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), timezone)
        until_ms = min(window.until_ms, max(since_ms + 1, round(midnight.timestamp() * 1000)))
        yield day.isoformat(), replace(window, since_ms=since_ms, until_ms=until_ms)
        since_ms = until_ms


def spans(since_ms: int, until_ms: int, sizes: tuple[int, ...] = SPANS_MS) -> list[Span]:
    """The window as few rows as can be: whole days inside, hours around them, minutes at the ends."""
    size, *smaller = sizes
    first, end = -(-since_ms // size) * size, until_ms // size * size
    if not smaller:
        first, end = first, -(-until_ms // size) * size  # a minute belongs to where it begins
        return [(size, first, end)] if first < end else []
    if first >= end:
        return spans(since_ms, until_ms, tuple(smaller))
    return [*spans(since_ms, first, tuple(smaller)), (size, first, end), *spans(end, until_ms, tuple(smaller))]


def _sums(
    db: Connection, window: Window, which: str, key: Callable[[int], str], classes: Mapping[int, str]
) -> defaultdict[str, Sum]:
    sums: defaultdict[str, Sum] = defaultdict(Sum)
    version = number_of(db, "version", version_name(window.model_id, window.model_version))
    only, source = _only(db, window, which)
    for size_ms, since_ms, until_ms in spans(window.since_ms, window.until_ms):
        where = f"WHERE span_ms = ? AND version = ? AND at_ms >= ? AND at_ms < ? {only}"
        args = (size_ms, version, since_ms, until_ms, *source)
        for number, frames, without in db.execute(
            f"SELECT source, SUM(frames), SUM(frames_without) FROM counted {where} GROUP BY source", args
        ):
            sums[key(number)].frames += frames
            sums[key(number)].frames_without += without
        for number, name, detections in db.execute(
            f"SELECT source, class, SUM(detections) FROM boxes {where} GROUP BY source, class", args
        ):
            sums[key(number)].detections[classes[name]] += detections
    return sums


def _only(db: Connection, window: Window, which: str) -> tuple[str, tuple[int, ...]]:
    if window.source_id is None:
        return which, ()
    return "AND source = ?", (number_of(db, "source", window.source_id),)


def _add_tail(sums: defaultdict[str, Sum], window: Window, tail: Iterable[Signed], key: Callable[[Count], str]) -> None:
    for sign, count in tail:
        if not _is_in(count, window):
            continue
        one = sums[key(count)]
        one.frames += sign * count.frames
        one.frames_without += sign * count.frames_without
        for name, detections in count.detections.items():
            one.detections[name] += sign * detections


def _is_in(count: Count, window: Window) -> bool:
    return (
        (count.model_id, count.model_version) == (window.model_id, window.model_version)
        and window.source_id in (None, count.source_id)
        and window.since_ms <= count.minute_ms < window.until_ms
    )


def _met(db: Connection, window: Window, tail: Iterable[Signed]) -> Window:
    """As much of the window as there are frames: nobody walks the days since 1970."""
    version = number_of(db, "version", version_name(window.model_id, window.model_version))
    known = "SELECT MIN(at_ms), MAX(at_ms) FROM counted WHERE span_ms = ? AND version = ? AND source = 0"
    minutes = [at for at in db.execute(known, (MINUTE_MS, version)).fetchone() if at is not None]
    minutes += [count.minute_ms for _, count in tail if _is_in(count, window)]
    if not minutes:
        return replace(window, until_ms=window.since_ms)
    since_ms, until_ms = max(window.since_ms, min(minutes)), min(window.until_ms, max(minutes) + MINUTE_MS)
    return replace(window, since_ms=since_ms, until_ms=max(since_ms, until_ms))
