"""The flow: how much lies in each stream, and how far behind its readers are.

Promises: needs the log alone, joins no group, and reads two records per partition and group. Lag in seconds is by the
log's clock: between the oldest record that a group has not read and the newest there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.ports.log import Bounds, Log, Reader
from shared.streams import DLQ_SUFFIX, STREAMS
from shared.streams.groups import READS

Readers = Mapping[str, tuple[str, ...]]
"""Group → the streams that it reads."""
_LOOK_BACK = (1, 64, 4096)
"""Offsets to look back for the newest record: the last ones may be gaps."""


@dataclass(frozen=True, slots=True)
class Lag:
    """`expired_unread`: records that left the stream before this group had read them."""

    group: str
    records: int
    seconds: float
    expired_unread: int


@dataclass(frozen=True, slots=True)
class StreamFlow:
    """`records`: end - start over all partitions."""

    stream: str
    partitions: int
    records: int
    written: int
    lags: tuple[Lag, ...]


def flow(log: Log, readers: Readers = READS) -> list[StreamFlow]:
    """Of every stream that services write and read; dead letters apart. `readers`: the groups. Raises Unavailable."""
    reader = log.reader()
    try:
        return [_stream_flow(log, reader, name, readers) for name in STREAMS if not _is_dead_letters(name)]
    finally:
        reader.close()


def dead_letters(log: Log) -> dict[str, int]:
    """Records per dead-letter stream. Raises Unavailable."""
    return {name: _records(log.bounds(name)) for name in STREAMS if _is_dead_letters(name)}


def _is_dead_letters(name: str) -> bool:
    return name.endswith(DLQ_SUFFIX)


def _records(bounds: Mapping[int, Bounds]) -> int:
    return sum(at.end - at.start for at in bounds.values())


def _stream_flow(log: Log, reader: Reader, stream: str, readers: Readers) -> StreamFlow:
    # Commits before bounds: what is read meanwhile makes a lag look larger, never negative.
    committed = {group: log.committed(group, stream) for group, streams in readers.items() if stream in streams}
    bounds = log.bounds(stream)
    lags = tuple(_lag(reader, stream, group, offsets, bounds) for group, offsets in committed.items())
    return StreamFlow(stream, len(bounds), _records(bounds), sum(at.end for at in bounds.values()), lags)


def _lag(reader: Reader, stream: str, group: str, committed: Mapping[int, int], bounds: Mapping[int, Bounds]) -> Lag:
    """A group that never committed starts at the earliest record."""
    position = {number: max(committed.get(number, 0), at.start) for number, at in bounds.items()}
    behind = {number: max(0, at.end - position[number]) for number, at in bounds.items()}
    expired = sum(max(0, at.start - committed[number]) for number, at in bounds.items() if number in committed)
    seconds = [
        _seconds(reader, stream, number, position[number], bounds[number]) for number in behind if behind[number]
    ]
    return Lag(group, sum(behind.values()), max(seconds, default=0.0), expired)


def _seconds(reader: Reader, stream: str, partition: int, position: int, at: Bounds) -> float:
    oldest = next((record.time_ms for record in reader.scan(stream, partition, position, at.end)), None)
    newest = _newest_ms(reader, stream, partition, at)
    return 0.0 if oldest is None or newest is None else max(0.0, (newest - oldest) / 1000)


def _newest_ms(reader: Reader, stream: str, partition: int, at: Bounds) -> int | None:
    for back in _LOOK_BACK:
        times = [record.time_ms for record in reader.scan(stream, partition, max(at.start, at.end - back), at.end)]
        if times:
            return max(times)
    return None
