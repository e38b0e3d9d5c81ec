"""The index of the segment log: which offsets there are, where each value lies, what each partition's next offset is.

Promises: an offset is never given twice, also not after a power loss that took the last unsynced transactions: offsets are
reserved ahead, durably, and after a reboot that was no clean stop a partition goes on behind what was reserved.
Log times never go back within a partition.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.adapters.embedded.database import Database, Row
from shared.adapters.embedded.retention import SHIFT, compact
from shared.adapters.embedded.segments import Place
from shared.streams.record import Headers, NewRecord, Partition, Record

RESERVE = 16_384
"""Offsets reserved at a time: one fsync for so many unsynced records, and the most that a power loss skips."""
_COLUMNS = "r.id, r.time_ms, r.key, r.headers, r.size, r.crc, r.value, s.name, r.position"
_FROM = "FROM records r LEFT JOIN segments s ON s.id = r.segment"
_RANGE = "WHERE id >= ? AND id < ?"
_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Stored:
    """A record whose value has been stored, on its way into the index. `stream` has the prefix."""

    stream: str
    partition: int
    record: NewRecord
    place: Place
    compacted: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as the index has it."""

    offset: int
    time_ms: int
    key: bytes | None
    headers: Headers
    place: Place

    def record(self, stream: str, partition: int, value: bytes | None) -> Record:
        return Record(stream, partition, self.offset, self.time_ms, self.key, value, self.headers)


class NotReserved(Exception):
    """An unsynced append met the end of the reserved offsets: it must be done again, durably."""


class Index:
    """Names are with the prefix here. Safe to share among threads."""

    def __init__(self, file: Path, now_ms: Callable[[], int], boot_id: str, timeout_s: float) -> None:
        schema = Path(__file__).with_name("segment_log.sql").read_text(encoding="utf-8")
        self.database = Database(file, schema, "log", timeout_s)
        self._now_ms = now_ms
        self._ids: dict[Partition, int] = {}
        self._skip_ahead_after_reboot(boot_id)

    def create(self, stream: str, partitions: int) -> None:
        with self.database.write(durable=True) as transaction:
            rows = [(stream, number) for number in range(partitions)]
            transaction.executemany("INSERT OR IGNORE INTO partitions (stream, number) VALUES (?, ?)", rows)
            transaction.execute("UPDATE groups SET generation = generation + 1")  # members look for what is new

    def partitions(self, stream: str) -> int:
        return int(self.database.rows("SELECT count(*) FROM partitions WHERE stream = ?", (stream,))[0][0])

    def id_of(self, partition: Partition) -> int | None:
        """The partition's id, None when it does not exist (yet)."""
        if partition not in self._ids:
            rows = self.database.rows("SELECT id FROM partitions WHERE stream = ? AND number = ?", partition)
            if not rows:
                return None
            self._ids[partition] = int(rows[0][0])
        return self._ids[partition]

    def bounds(self, partition_id: int) -> tuple[int, int]:
        """Start and end, as of one moment."""
        sql = f"SELECT next, (SELECT id FROM records {_RANGE} ORDER BY id LIMIT 1) FROM partitions WHERE id = ?"
        ((end, first),) = self.database.rows(sql, (*_range(partition_id), partition_id))
        return (end if first is None else _offset(first)), end

    def end(self, partition_id: int) -> int:
        return int(self.database.rows("SELECT next FROM partitions WHERE id = ?", (partition_id,))[0][0])

    def slice(self, partition_id: int, start: int, end: int, most: int) -> list[Entry]:
        """The first records in [start, end)."""
        sql = f"SELECT {_COLUMNS} {_FROM} WHERE r.id >= ? AND r.id < ? ORDER BY r.id LIMIT ?"
        base = partition_id << SHIFT
        return [_entry(row) for row in self.database.rows(sql, (base + start, base + end, most))]

    def append(self, batch: Sequence[Stored], *, durable: bool) -> list[tuple[int, int]]:
        """Gives each of a batch its offset and time, in one transaction. The values must be stored (and synced) before."""
        try:
            return self._append(batch, durable)
        except NotReserved:
            return self._append(batch, True)

    def settle(self) -> None:
        """Gives reserved offsets back, durably: after this stop nothing needs to be skipped."""
        with self.database.write(durable=True) as transaction:
            transaction.execute("UPDATE partitions SET reserved = next")

    def _append(self, batch: Sequence[Stored], durable: bool) -> list[tuple[int, int]]:
        with self.database.write(durable=durable) as transaction:
            segments = _count_in_segments(transaction, batch)
            heads = {where: _head(transaction, where) for where in {(s.stream, s.partition) for s in batch}}
            now_ms = self._now_ms()
            places = [heads[stored.stream, stored.partition].place(stored, now_ms, segments) for stored in batch]
            for head in heads.values():
                head.save(transaction, durable)
            return places

    def _skip_ahead_after_reboot(self, boot_id: str) -> None:
        if self.database.rows("SELECT 1 FROM meta WHERE name = 'boot' AND value = ?", (boot_id,)):
            return
        with self.database.write(durable=True) as transaction:
            known = transaction.execute("SELECT value FROM meta WHERE name = 'boot'").fetchone()
            if known == (boot_id,):
                return
            transaction.execute("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", (boot_id,))
            transaction.execute("UPDATE partitions SET next = reserved")
            transaction.execute("DELETE FROM members")  # their leases went by a clock that began anew
            transaction.execute("DELETE FROM owners")


def _range(partition_id: int) -> tuple[int, int]:
    return partition_id << SHIFT, (partition_id + 1) << SHIFT


def _offset(record_id: int) -> int:
    return record_id & ((1 << SHIFT) - 1)


def _entry(row: Row) -> Entry:
    record_id, time_ms, key, headers, size, crc, inline, segment, position = row
    place = Place(size, crc, inline, segment, position or 0)
    return Entry(_offset(record_id), time_ms, key, _decoded(headers), place)


def _encoded(headers: Headers) -> str | None:
    return json.dumps([(name, value.decode("latin-1")) for name, value in headers]) if headers else None


def _decoded(text: str | None) -> Headers:
    return tuple((name, value.encode("latin-1")) for name, value in json.loads(text)) if text else ()


def _count_in_segments(transaction: sqlite3.Connection, batch: Iterable[Stored]) -> dict[str, int]:
    """Adds the batch's values to their segments' counts. Returns the segments' ids by name."""
    counts = Counter(stored.place.segment for stored in batch if stored.place.segment is not None)
    add = "ON CONFLICT (name) DO UPDATE SET live = live + excluded.live"
    sql = f"INSERT INTO segments (name, live) VALUES (?, ?) {add} RETURNING id"
    return {name: int(transaction.execute(sql, (name, count)).fetchone()[0]) for name, count in counts.items()}


@dataclass(slots=True)
class _Head:
    """The growing end of one partition, within one transaction."""

    partition_id: int
    next: int
    reserved: int
    last_ms: int
    held_bytes: int
    rows: list[Row] = field(default_factory=list)
    keys: list[tuple[bytes, int]] = field(default_factory=list)

    def place(self, stored: Stored, now_ms: int, segments: dict[str, int]) -> tuple[int, int]:
        record, place = stored.record, stored.place
        offset, self.last_ms = self.next, max(self.last_ms, now_ms)
        row_id = (self.partition_id << SHIFT) + offset
        segment = None if place.segment is None else segments[place.segment]
        value = (place.size, place.crc, place.inline, segment, place.position)
        self.rows.append((row_id, self.last_ms, record.key, _encoded(record.headers), *value))
        if stored.compacted and record.key is not None:
            self.keys.append((record.key, row_id))
        self.next += 1
        self.held_bytes += place.size or 0
        return offset, self.last_ms

    def save(self, transaction: sqlite3.Connection, durable: bool) -> None:
        if self.next > self.reserved:
            if not durable:
                raise NotReserved
            self.reserved = self.next + RESERVE
        transaction.executemany(_INSERT, self.rows)
        sql = "UPDATE partitions SET next = ?, reserved = ?, last_ms = ?, bytes = ? WHERE id = ?"
        transaction.execute(sql, (self.next, self.reserved, self.last_ms, self.held_bytes, self.partition_id))
        if self.keys:
            compact(transaction, self.partition_id, self.keys)


def _head(transaction: sqlite3.Connection, where: Partition) -> _Head:
    sql = "SELECT id, next, reserved, last_ms, bytes FROM partitions WHERE stream = ? AND number = ?"
    return _Head(*transaction.execute(sql, where).fetchone())
