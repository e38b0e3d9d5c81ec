"""The segment log's random access: exactly that record, or why not.

Promises: a value that is missing or damaged was there once: Expired, never other bytes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from shared.adapters.embedded.database import said_as_unavailable
from shared.adapters.embedded.index import Entry
from shared.adapters.embedded.retention import SHIFT
from shared.adapters.embedded.segments import SegmentReader
from shared.adapters.embedded.store import Store
from shared.errors import Expired, NeverWritten, Unavailable
from shared.streams.record import Partition, Record

_PAGE = 256
MAX_OFFSET = (1 << SHIFT) - 1
_log = structlog.get_logger()


class LogReader:
    """Reads by (stream, partition, offset)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._index = store.index

    def read(self, stream: str, partition: int, offset: int) -> Record:
        partition_id = self._id(stream, partition)
        # Past the largest offset there can be lie the ids of the next partition's records.
        entries = self._index.slice(partition_id, offset, offset + 1, 1) if 0 <= offset <= MAX_OFFSET else []
        records = load(entries, self._store.folder, (stream, partition))
        if records:
            return records[0]
        where = f"{stream}/{partition}@{offset}"
        if offset >= self._index.end(partition_id):
            raise NeverWritten(f"nothing was ever written at {where}")
        raise Expired(f"the record at {where} is gone")

    def scan(self, stream: str, partition: int, start: int, end: int) -> Iterator[Record]:
        partition_id = self._id(stream, partition)
        return self._pages(partition_id, (stream, partition), max(start, 0), min(end, self._index.end(partition_id)))

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _pages(self, partition_id: int, source: Partition, start: int, end: int) -> Iterator[Record]:
        while entries := self._index.slice(partition_id, start, end, _PAGE):
            for entry in entries:
                yield from load([entry], self._store.folder, source)
            start = entries[-1].offset + 1

    def _id(self, stream: str, partition: int) -> int:
        found = self._store.id_of((stream, partition))
        if found is None:
            raise Unavailable("log", f"stream {stream} has no partition {partition} (made by apply)")
        return found


def load(entries: Sequence[Entry], folder: Path, source: Partition) -> list[Record]:
    """The records with their values. Those whose value is gone or damaged are left out, and logged."""
    records = []
    with said_as_unavailable("log"), SegmentReader(folder) as segments:
        for entry in entries:
            value = None if entry.place.size is None else segments.value(entry.place)
            if value is None and entry.place.size is not None:
                _log.warning("record.value_gone", stream=source[0], partition=source[1], offset=entry.offset)
                continue
            records.append(entry.record(*source, value))
    return records
