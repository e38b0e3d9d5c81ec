"""Span: which records of a stream lie in a stretch of log time. Found by bisection: log time never goes back in a partition."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import RecordGone
from shared.ports.log import Bounds, Log, Reader
from shared.streams.record import Record


@dataclass(frozen=True, slots=True)
class Span:
    """Log time, milliseconds: [start, end)."""

    start_ms: int
    end_ms: int

    @property
    def seconds(self) -> float:
        return (self.end_ms - self.start_ms) / 1000

    def holds(self, time_ms: int) -> bool:
        return self.start_ms <= time_ms < self.end_ms


def bounds_of(log: Log, reader: Reader, stream: str, span: Span, partition: int | None = None) -> dict[int, Bounds]:
    """Per partition, or of this one, the offsets of the records in the span; start and end equal where there are none."""
    return {
        number: _inside(reader, stream, number, whole, span)
        for number, whole in log.bounds(stream).items()
        if partition in (None, number)
    }


def _inside(reader: Reader, stream: str, partition: int, whole: Bounds, span: Span) -> Bounds:
    start = first_at(reader, stream, partition, whole, span.start_ms)
    return Bounds(start, first_at(reader, stream, partition, Bounds(start, whole.end), span.end_ms))


def first_at(reader: Reader, stream: str, partition: int, within: Bounds, time_ms: int) -> int:
    """The offset of the first record at or after this log time; the end where there is none."""
    low, high = within.start, within.end
    while low < high:
        middle = (low + high) // 2
        found = at_or_after(reader, stream, partition, middle, high)
        if found is None or found.time_ms >= time_ms:
            high = middle
        else:
            low = found.offset + 1
    return low


def at_or_after(reader: Reader, stream: str, partition: int, offset: int, end: int) -> Record | None:
    """The record at the offset; where there is none (offsets have gaps), the next one before the end."""
    try:
        return reader.read(stream, partition, offset)
    except RecordGone:
        return next(iter(reader.scan(stream, partition, offset, end)), None)


def records_in(bounds: Mapping[int, Bounds]) -> int:
    """How many offsets these are."""
    return sum(one.end - one.start for one in bounds.values())
