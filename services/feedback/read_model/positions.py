"""Positions: how far each partition was read, and whether it is still the partition that was read.

Promises: a stream that was made anew is noticed: it ends before what was read, begins after it, or has another record where
the one that was read last lies.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from services.feedback.read_model.database import Connection
from shared.errors import RecordGone
from shared.ports import Bounds, Reader
from shared.streams import STREAMS
from shared.streams.record import Partition, Record


@dataclass(frozen=True, slots=True)
class Position:
    """`next`: the offset to read. `last`: the record that was read last (-1: none yet), and its `mark`."""

    next: int
    last: int = -1
    mark: str = ""
    passed_over: int = 0


def positions(db: Connection) -> dict[Partition, Position]:
    rows = db.execute("SELECT stream, part, next, last, mark, passed_over FROM positions")
    return {(stream, part): Position(*rest) for stream, part, *rest in rows}


def keep(db: Connection, partition: Partition, position: Position) -> None:
    row = (*partition, position.next, position.last, position.mark, position.passed_over)
    db.execute("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?)", row)


def mark_of(record: Record) -> str:
    """What tells a record from another at its place."""
    digest = hashlib.blake2b(record.time_ms.to_bytes(8), digest_size=16)
    digest.update(record.value or b"")
    return digest.hexdigest()


def out_of_bounds(known: Mapping[Partition, Position], bounds: Mapping[Partition, Bounds]) -> Partition | None:
    """A partition that cannot be the one that was read; a compacted one may begin anywhere."""
    for partition, position in known.items():
        now = bounds.get(partition, Bounds(0, 0))
        if now.end < position.next or (position.next < now.start and not STREAMS[partition[0]].compacted):
            return partition
    return None


def another(known: Mapping[Partition, Position], reader: Reader) -> Partition | None:
    """A partition with another record where the last one was read. One that is gone says nothing: compaction takes some."""
    for (stream, part), position in known.items():
        if position.last < 0:
            continue
        try:
            record = reader.read(stream, part, position.last)
        except RecordGone:
            continue
        if mark_of(record) != position.mark:
            return stream, part
    return None
