"""What leaves the segment log: rows by age, by bytes and by compaction, then the sealed segments that nobody needs.

Promises: rows go first, files after; only sealed segments are unlinked. Cheap: a bounded number of rows at a time.
"""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import structlog

from shared.adapters.embedded.database import Database, said_as_unavailable
from shared.adapters.embedded.segments import unlink_sealed
from shared.errors import Unavailable
from shared.streams.stream import Stream

SHIFT = 40
"""A record's id is its partition's id shifted by this, plus its offset."""
MOST_ROWS = 5_000
"""Rows that one sweep deletes of a partition: some 10 ms under the lock."""
_PAUSE_S = 1.0
_ORPHAN_AGE_S = 600.0
"""A file without a row may be one that its writer has just made."""
_log = structlog.get_logger()


def compact(transaction: sqlite3.Connection, partition_id: int, keys: Iterable[tuple[bytes, int]]) -> None:
    """Keeps only the newest record of each key. `keys`: key and record id, in order."""
    for key, record_id in keys:
        find = "SELECT record FROM latest WHERE partition = ? AND key = ?"
        older = transaction.execute(find, (partition_id, key)).fetchone()
        if older is not None:
            _delete(transaction, partition_id, "id = ?", older)
        transaction.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)", (partition_id, key, record_id))


class Sweeper:
    """Sweeps all streams now and then, in the thread of whichever producer has just stored something."""

    def __init__(
        self, database: Database, folder: Path, streams: Mapping[str, Stream], prefix: str, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._folder = folder
        self._streams = {prefix + name: stream for name, stream in streams.items()}
        self._now_ms = now_ms
        self._next_s = 0.0
        self._busy = threading.Lock()

    def now_and_then(self) -> None:
        """At most once a second, unless there was more to do. Retention is never a reason to fail a producer."""
        if time.monotonic() < self._next_s or not self._busy.acquire(blocking=False):
            return
        try:
            self._next_s = time.monotonic() + (0.0 if self.sweep() else _PAUSE_S)
        except Unavailable as error:
            self._next_s = time.monotonic() + _PAUSE_S
            _log.warning("retention.failed", why=str(error))
        finally:
            self._busy.release()

    def sweep(self) -> bool:
        """True when there is more to do."""
        now_ms = self._now_ms()
        more = [sweep(self._database, name, stream, now_ms) for name, stream in self._streams.items()]
        with said_as_unavailable("log"):
            unlink_unused(self._database, self._folder)
        return any(more)


def sweep(database: Database, stream: str, kept: Stream, now_ms: int) -> bool:
    """Deletes what a stream's retention no longer covers. True when something went: there may be more."""
    find = "SELECT id, bytes FROM partitions WHERE stream = ?"
    partitions = (
        database.rows(find, (stream,)) if kept.retention_s is not None or kept.retention_bytes is not None else []
    )
    due = [_due(database, partition_id, held, kept, now_ms) for partition_id, held in partitions]
    for (partition_id, _), before in zip(partitions, due, strict=True):
        if before is not None:
            with database.write(durable=False) as transaction:
                _delete(transaction, partition_id, "id >= ? AND id < ?", (partition_id << SHIFT, before))
    return any(before is not None for before in due)


def unlink_unused(database: Database, folder: Path) -> None:
    """Deletes the sealed segments that no record needs any more."""
    gone = [
        name for (name,) in database.rows("SELECT name FROM segments WHERE live <= 0") if unlink_sealed(folder / name)
    ]
    if gone:
        with database.write(durable=False) as transaction:
            transaction.executemany("DELETE FROM segments WHERE name = ?", [(name,) for name in gone])


def unlink_orphans(database: Database, folder: Path) -> None:
    """Deletes sealed files that the index does not know: left by a crash between the value and its row."""
    known = {name for (name,) in database.rows("SELECT name FROM segments")}
    old = time.time() - _ORPHAN_AGE_S
    for file in folder.glob("*.segment"):
        if file.name not in known and file.stat().st_mtime < old:
            unlink_sealed(file)


def _due(database: Database, partition_id: int, held: int, kept: Stream, now_ms: int) -> int | None:
    """The record id before which everything may go; None when nothing may."""
    sql = "SELECT id, time_ms, coalesce(size, 0) FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
    oldest_ms = 0 if kept.retention_s is None else now_ms - 1000 * kept.retention_s
    most = held if kept.retention_bytes is None else kept.retention_bytes
    before = None
    rows = database.rows(sql, (*_range(partition_id), 1))  # most often the oldest may stay: do not fetch the others
    if rows and (rows[0][1] < oldest_ms or held > most):
        rows = database.rows(sql, (*_range(partition_id), MOST_ROWS))
    for record_id, time_ms, size in rows:
        if time_ms >= oldest_ms and held <= most:
            break
        held -= size
        before = record_id + 1
    return before


def _range(partition_id: int) -> tuple[int, int]:
    return partition_id << SHIFT, (partition_id + 1) << SHIFT


def _delete(transaction: sqlite3.Connection, partition_id: int, where: str, args: tuple[int, ...]) -> None:
    rows = transaction.execute(
        f"DELETE FROM records WHERE {where} RETURNING coalesce(size, 0), segment", args
    ).fetchall()
    taken = sum(size for size, _ in rows)
    transaction.execute("UPDATE partitions SET bytes = bytes - ? WHERE id = ?", (taken, partition_id))
    counts = Counter(segment for _, segment in rows if segment is not None)
    transaction.executemany(
        "UPDATE segments SET live = live - ? WHERE id = ?", [(count, segment) for segment, count in counts.items()]
    )
