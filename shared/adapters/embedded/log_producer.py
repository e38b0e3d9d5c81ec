"""The segment log's producer: `send` queues, one thread commits what has queued up as one batch.

Promises: order of sending per partition; a batch is all or nothing; values are stored (and synced, where the stream asks
for it) before the index knows them.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count

from shared.adapters.embedded.database import said_as_unavailable
from shared.adapters.embedded.index import Stored
from shared.adapters.embedded.segments import SegmentWriter
from shared.adapters.embedded.store import Store
from shared.errors import InvalidMessage, Unavailable
from shared.streams.murmur2 import partition_of
from shared.streams.record import NewRecord, Record

BATCH_RECORDS = 1_000
BATCH_BYTES = 8 * 1024 * 1024
_CLOSE_S = 10.0


@dataclass(frozen=True, slots=True)
class _Sent:
    record: NewRecord
    partition: int
    size: int
    future: "Future[Record]"


class SegmentProducer:
    """Several threads may send. `after_batch` runs in the writing thread (retention)."""

    def __init__(
        self,
        store: Store,
        writer: SegmentWriter,
        max_in_flight_bytes: int,
        timeout_s: float,
        after_batch: Callable[[], None],
    ) -> None:
        self._store = store
        self._streams = store.streams
        self._prefix = store.prefix
        self._writer = writer
        self._max_in_flight_bytes = max_in_flight_bytes
        self._timeout_s = timeout_s
        self._after_batch = after_batch
        self._partitions: dict[str, int] = {}
        self._turn = count()
        self._queue: deque[_Sent] = deque()
        self._in_flight = 0
        self._in_flight_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="segment-log-producer", daemon=True)
        self._thread.start()

    def send(self, record: NewRecord) -> "Future[Record]":
        future: Future[Record] = Future()
        future.set_running_or_notify_cancel()  # what was handed over cannot be cancelled
        try:
            sent = _Sent(record, self._partition(record), self._size(record), future)
        except InvalidMessage as error:
            future.set_exception(error)
            return future
        with self._changed:
            if not self._changed.wait_for(lambda: self._closing or self._fits(sent.size), self._timeout_s):
                raise Unavailable("log", f"{self._in_flight_bytes:,} bytes in flight for {self._timeout_s:g} s")
            if self._closing:
                raise Unavailable("log", "the producer is closed")
            self._queue.append(sent)
            self._in_flight += 1
            self._in_flight_bytes += sent.size
            self._changed.notify_all()
        return future

    def flush(self, timeout_s: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._in_flight == 0, timeout_s):
                raise Unavailable("log", f"{self._in_flight:,} records not stored after {timeout_s:g} s")

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_S)

    def _fits(self, size: int) -> bool:
        """A record larger than the gate passes alone, rather than never."""
        return self._in_flight == 0 or self._in_flight_bytes + size <= self._max_in_flight_bytes

    def _size(self, record: NewRecord) -> int:
        headers = sum(len(name) + len(value) for name, value in record.headers)
        size = len(record.key or b"") + len(record.value or b"") + headers
        most = self._streams[record.stream].max_message_bytes
        if size > most:
            raise InvalidMessage(f"record for {record.stream} has {size:,} bytes, at most {most:,}")
        return size

    def _partition(self, record: NewRecord) -> int:
        partitions = self._count(record.stream)
        if record.partition is not None:
            if not 0 <= record.partition < partitions:
                raise InvalidMessage(f"{record.stream} has partitions 0 to {partitions - 1}, got {record.partition}")
            return record.partition
        return next(self._turn) % partitions if record.key is None else partition_of(record.key, partitions)

    def _count(self, stream: str) -> int:
        if stream not in self._streams:
            raise InvalidMessage(f"no stream is called {stream!r}; there are {', '.join(self._streams)}")
        if stream not in self._partitions:
            partitions = self._store.partitions(stream)
            if partitions == 0:
                raise Unavailable("log", f"stream {stream} has not been made yet: apply the streams first")
            self._partitions[stream] = partitions
        return self._partitions[stream]

    def _run(self) -> None:
        try:
            while batch := self._take():
                self._finish(batch)
                self._after_batch()
        finally:
            self._give_up()

    def _take(self) -> list[_Sent]:
        """What is queued, bounded in records and bytes; empty when the producer has closed and all is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            batch: list[_Sent] = []
            size = 0
            while self._queue and len(batch) < BATCH_RECORDS and size < BATCH_BYTES:
                batch.append(self._queue.popleft())
                size += batch[-1].size
            return batch

    def _finish(self, batch: Sequence[_Sent]) -> None:
        try:
            records = self._stored_all(batch)
        except Exception as error:
            for sent in batch:
                sent.future.set_exception(error)
            if not isinstance(error, Unavailable):
                raise
        else:
            for sent, record in zip(batch, records, strict=True):
                sent.future.set_result(record)
        finally:
            self._done(batch)

    def _done(self, batch: Sequence[_Sent]) -> None:
        with self._changed:
            self._in_flight -= len(batch)
            self._in_flight_bytes -= sum(sent.size for sent in batch)
            self._changed.notify_all()

    def _stored_all(self, batch: Sequence[_Sent]) -> list[Record]:
        synced = {self._prefix + sent.record.stream for sent in batch if self._streams[sent.record.stream].fsync}
        with said_as_unavailable("log"):
            self._writer.seal_full()
            stored = [self._stored(sent) for sent in batch]
            self._writer.sync(synced)
        given = self._store.index.append(stored, durable=bool(synced))
        return [_record(sent, offset, time_ms) for sent, (offset, time_ms) in zip(batch, given, strict=True)]

    def _stored(self, sent: _Sent) -> Stored:
        record, stream = sent.record, self._prefix + sent.record.stream
        place = self._writer.store(stream, record.value)
        return Stored(stream, sent.partition, record, place, self._streams[record.stream].compacted)

    def _give_up(self) -> None:
        """The thread ends: nobody may wait for ever for what it leaves behind, whatever ended it."""
        with self._changed:
            self._closing = True
            left, self._queue = list(self._queue), deque()
            self._changed.notify_all()
        self._writer.close()
        for sent in left:
            sent.future.set_exception(Unavailable("log", "the producer stopped before this record was stored"))
        self._done(left)


def _record(sent: _Sent, offset: int, time_ms: int) -> Record:
    record = sent.record
    return Record(record.stream, sent.partition, offset, time_ms, record.key, record.value, record.headers)
