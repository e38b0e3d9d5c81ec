"""Readers: random reads for many threads, although a Reader belongs to one.

Promises: every reader lives and dies on a thread of its own; every read ends within the timeout, as Unavailable if need be.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import TypeVar

from shared.errors import NeverWritten, Unavailable
from shared.ports import Log, Reader
from shared.streams.record import Record

LANES = 4

T = TypeVar("T")


def within(timeout_s: float, dependency: str, future: "Future[T]") -> T:
    """The future's result. Raises Unavailable when it is not there in time."""
    try:
        return future.result(timeout_s)
    except TimeoutError as error:
        raise Unavailable(dependency, f"no answer within {timeout_s:g} s") from error


class Readers:
    """A few lanes, taken in turn. Readers are opened when they are first needed: a log that is down stops no start."""

    def __init__(self, log: Log, timeout_s: float) -> None:
        self._log = log
        self._timeout_s = timeout_s
        self._lanes = [_Lane(log.reader) for _ in range(LANES)]
        self._turn = cycle(self._lanes)
        self._partitions: dict[str, int] = {}

    def read(self, stream: str, partition: int, offset: int) -> Record:
        """As Reader.read; a partition that does not exist is NeverWritten."""
        if not self._exists(stream, partition):
            raise NeverWritten(f"{stream} has no partition {partition}")
        return within(self._timeout_s, "log", next(self._turn).read(stream, partition, offset))

    def close(self) -> None:
        for lane in self._lanes:
            lane.close()

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

    def read(self, stream: str, partition: int, offset: int) -> "Future[Record]":
        return self._thread.submit(self._read, stream, partition, offset)

    def close(self) -> None:
        closed = self._thread.submit(self._close)
        self._thread.shutdown()
        closed.result()

    def _read(self, stream: str, partition: int, offset: int) -> Record:
        if self._reader is None:
            self._reader = self._open_reader()
        return self._reader.read(stream, partition, offset)

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
