"""Log: the port that stores streams and remembers how far each group has read.

Three kinds of offset, and when each moves
  * **end**: the offset the next record of a partition will get. It moves when a producer's record is durable. After an
    unclean stop it may skip ahead; an offset is never given to two records. Readers must not expect offsets without gaps.
  * **position**: the next record that one consumer will be given. It moves with `poll`, and with `seek`.
  * **committed**: where a group starts again. It moves with `commit` alone, and is the offset of the *next* record to
    read. A group that never committed starts at the earliest record that is there; never at the end.

Delivery is at least once. Whatever was polled and not committed is delivered again: to the same group, in the same order
within its partition, after a crash, a close or a rebalance. Nothing here deduplicates.

Rebalance: the partitions of all streams that a consumer subscribed are shared among the members of its group, each to
exactly one. When members come and go, `Listener.on_revoked` names what was taken and `on_assigned` what was given, both
from inside `poll`, before it returns records. A member that vanishes is replaced within `session_timeout_s`. Whoever
commits a partition that is no longer its own gets `Fenced`. A listener changes memory only: it must not call the log.

Time: a record's `time_ms` is the append time by the log's clock (Kafka: LogAppendTime). In the embedded log it never goes
back within a partition.

Names: callers use the names of `shared.streams`; the adapter puts its `prefix` before them. Streams are made by `apply`
alone. Errors: `Unavailable` when the log does not answer in time (every call is bounded), `RecordGone` (below), `Fenced`.

Threads: a Log and a Producer may be shared; a Consumer or Reader belongs to the thread that uses it.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from shared.streams.record import NewRecord, Partition, Record


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is there of a partition: the first offset that can be read, and the end (the next to be written)."""

    start: int
    end: int


class Listener(Protocol):
    """Is told, from inside `poll`, what a rebalance gave and took. Changes memory only."""

    def on_assigned(self, partitions: frozenset[Partition]) -> None: ...

    def on_revoked(self, partitions: frozenset[Partition]) -> None: ...


class Producer(Protocol):
    def send(self, record: NewRecord) -> "Future[Record]":
        """Hands a record to the log; the future gives it back with partition, offset and time once it is durable.

        Blocks while more than the producer's bytes are in flight, at most its timeout, then raises Unavailable.
        The future fails with Unavailable (try again), or InvalidMessage (too large, unknown partition: never works).
        Records of one producer and partition are stored in the order in which they were sent.
        A record without a partition goes by murmur2 of its key, as Kafka's own clients do; without a key, anywhere.
        """

    def flush(self, timeout_s: float) -> None:
        """Returns when every future of this producer is done. Raises Unavailable past the timeout."""

    def close(self) -> None:
        """Flushes for a moment, then lets go. Never raises for records that could not be delivered: their futures do."""


class Consumer(Protocol):
    def poll(self, timeout_s: float, max_records: int) -> Sequence[Record]:
        """The next records, in order within each partition; empty after the timeout. Runs the listener. Paused: empty."""

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Remembers where the group starts again. Durable when it returns. Raises Fenced, Unavailable."""

    def committed(self, partition: Partition) -> int | None:
        """The group's committed offset, None before the first commit."""

    def seek(self, partition: Partition, offset: int) -> None:
        """The next poll of that partition starts here. It must be assigned."""

    def pause(self) -> None:
        """Gives no more records until `resume`, also of partitions that are assigned meanwhile; membership is kept."""

    def resume(self) -> None: ...

    def assignment(self) -> frozenset[Partition]: ...

    def lag(self) -> Mapping[Partition, int]:
        """Records behind the end, per assigned partition: end - position. May be a moment old."""

    def close(self) -> None:
        """Leaves the group at once, so that others take over. Commits nothing."""


class Reader(Protocol):
    """Random access, without a group."""

    def read(self, stream: str, partition: int, offset: int) -> Record:
        """Exactly that record. Raises Expired (was there once), NeverWritten (past the end), Unavailable.

        Never gives another record: the caller still checks identity (frame id, hash), since a stream can be made anew.
        """

    def scan(self, stream: str, partition: int, start: int, end: int) -> Iterator[Record]:
        """The records that are there in [start, end), in order; ends at the partition's end as it was when called."""

    def close(self) -> None: ...


class Log(Protocol):
    def producer(self, max_in_flight_bytes: int = 64 * 1024 * 1024, timeout_s: float = 30.0) -> Producer: ...

    def consumer(self, group: str, streams: Sequence[str], listener: Listener | None = None) -> Consumer:
        """A member of a group. Its partitions come with the first polls."""

    def reader(self) -> Reader: ...

    def partitions(self, stream: str) -> int:
        """How many partitions the stream has; 0 when it does not exist. Raises Unavailable."""

    def bounds(self, stream: str) -> Mapping[int, Bounds]:
        """Start and end of every partition."""

    def committed(self, group: str, stream: str) -> Mapping[int, int]:
        """A group's committed offsets, without being a member. Partitions without one are left out."""

    def apply(self, partitions: int | None = None) -> Sequence[str]:
        """Makes the streams that are missing (default: 1 partition embedded, 12 on Kafka). Says what it did; idempotent."""

    def check(self) -> Sequence[str]:
        """What is wrong with the streams as they are, in sentences; empty when all is well. Needs no right to create."""

    def ping(self) -> None:
        """Raises Unavailable when the log does not answer."""

    def close(self) -> None: ...
