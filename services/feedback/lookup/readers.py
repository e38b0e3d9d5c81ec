"""Readers: random reads for many threads, although a Reader belongs to one.

Promises: every reader lives and dies on a thread of its own; every read ends within the timeout, as Unavailable if need be.
A partition has one lane, as long as there are enough: Kafka's client reads on where it stands in a fifth of a millisecond,
and needs five for any other place.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from threading import Lock
from typing import Any, TypeVar

from shared.errors import GleanerError, NeverWritten, Unavailable
from shared.ports import Log, Reader
from shared.streams.record import Partition, Record

LANES = 16
MOST_ON_THE_WAY = 8
"""Records between two that are wanted, which cost less to read than to jump over."""

Found = Record | GleanerError
T = TypeVar("T")


def within(timeout_s: float, dependency: str, future: "Future[T]") -> T:
    """The future's result. Raises Unavailable when it is not there in time."""
    try:
        return future.result(timeout_s)
    except TimeoutError as error:
        raise Unavailable(dependency, f"no answer within {timeout_s:g} s") from error


class Readers:
    """Lanes, given to partitions in turn. Readers are opened when they are first needed: a log that is down stops no start."""

    def __init__(self, log: Log, timeout_s: float) -> None:
        self._log = log
        self._timeout_s = timeout_s
        self._lanes = [_Lane(log.reader) for _ in range(LANES)]
        self._lane_of: dict[Partition, _Lane] = {}
        self._partitions: dict[str, int] = {}
        self._changing = Lock()

    def read(self, stream: str, partition: int, offset: int) -> Record:
        """As Reader.read; a partition that does not exist is NeverWritten."""
        found = self.read_all(stream, {partition: [offset]})[partition][offset]
        if isinstance(found, GleanerError):
            raise found
        return found

    def read_all(self, stream: str, wanted: Mapping[int, Sequence[int]]) -> dict[int, dict[int, Found]]:
        """Offsets by partition, each a record or why it is not there; with what lay on the way. Partitions side by side."""
        begun = {partition: self._begin(stream, partition, offsets) for partition, offsets in wanted.items()}
        until_s = time.monotonic() + self._timeout_s
        return {partition: self._ended(future, wanted[partition], until_s) for partition, future in begun.items()}

    def close(self) -> None:
        for lane in self._lanes:
            lane.close()

    def _begin(self, stream: str, partition: int, offsets: Sequence[int]) -> "Future[dict[int, Found]]":
        try:
            exists = self._exists(stream, partition)
        except Unavailable as error:
            return done(dict.fromkeys(offsets, error))
        if not exists:
            return done(dict.fromkeys(offsets, NeverWritten(f"{stream} has no partition {partition}")))
        return self._lane((stream, partition)).read(stream, partition, offsets)

    def _ended(self, future: "Future[dict[int, Found]]", offsets: Sequence[int], until_s: float) -> dict[int, Found]:
        try:
            return within(max(0.0, until_s - time.monotonic()), "log", future)
        except Unavailable as error:
            future.cancel()  # where it was not begun: nobody waits for it, and it would hold up those behind it
            return dict.fromkeys(offsets, error)

    def _lane(self, at: Partition) -> "_Lane":
        with self._changing:
            return self._lane_of.setdefault(at, self._lanes[len(self._lane_of) % LANES])

    def _exists(self, stream: str, partition: int) -> bool:
        # Partitions are only ever added, so a known one needs no question.
        if partition >= self._partitions.get(stream, 0):
            self._partitions[stream] = self._log.partitions(stream)
        return partition < self._partitions[stream]


class _Lane:
    """One thread and its reader."""

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open_reader = open_reader
        self._reader: Reader | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="feedback-reader")

    def read(self, stream: str, partition: int, offsets: Sequence[int]) -> "Future[dict[int, Found]]":
        return self._thread.submit(self._read, stream, partition, offsets)

    def close(self) -> None:
        closed = self._thread.submit(self._close)
        self._thread.shutdown()
        closed.result()

    def _read(self, stream: str, partition: int, offsets: Sequence[int]) -> dict[int, Found]:
        if self._reader is None:
            self._reader = self._open_reader()
        found: dict[int, Found] = {}
        for offset in with_those_between(offsets):
            try:
                found[offset] = self._reader.read(stream, partition, offset)
            except Unavailable as error:
                return {**dict.fromkeys(offsets, error), **found}  # the rest would wait as long, each
            except GleanerError as error:
                found[offset] = error
        return found

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()


def with_those_between(offsets: Sequence[int]) -> list[int]:
    """The offsets in order, and those of small gaps, so that a reader seldom has to jump."""
    ordered = sorted(set(offsets))
    path = ordered[:1]
    for before, offset in pairwise(ordered):
        first = before + 1 if offset - before <= MOST_ON_THE_WAY else offset
        path.extend(range(first, offset + 1))
    return path


def done(found: T) -> "Future[T]":
    future: Future[T] = Future()
    future.set_result(found)
    return future


def failed(error: GleanerError) -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_exception(error)
    return future
