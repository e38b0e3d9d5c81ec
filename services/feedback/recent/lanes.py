"""Lanes: scans for many threads, although a Reader belongs to one.

Promises: every scan ends within its time, and holds no record in memory that nobody wants.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

from services.feedback.lookup.readers import within
from shared.ports import Log, Reader
from shared.streams.predictions import PREDICTIONS
from shared.streams.record import Record

LANES = 2


class Lanes:
    """A few readers of `predictions`, taken in turn; opened when they are first needed."""

    def __init__(self, log: Log, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lanes = [_Lane(log) for _ in range(LANES)]
        self._turn = cycle(self._lanes)

    def scan(
        self, partition: int, start: int, end: int, keep: Callable[[Record], bool], until_s: float
    ) -> list[Record] | None:
        """Those in [start, end) that `keep` says yes to, in order; None when time (monotonic) is up first.

        Raises Unavailable.
        """
        lane = next(self._turn)
        future = lane.thread.submit(lane.scan, partition, start, end, keep, until_s)
        try:
            return within(self._timeout_s, "log", future)
        finally:
            future.cancel()  # where it was not begun: nobody waits for it, and it would hold up those behind it

    def close(self) -> None:
        for lane in self._lanes:
            lane.close()


class _Lane:
    """One thread and its reader."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._reader: Reader | None = None
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="feedback-scan")

    def scan(
        self, partition: int, start: int, end: int, keep: Callable[[Record], bool], until_s: float
    ) -> list[Record] | None:
        if self._reader is None:
            self._reader = self._log.reader()
        kept = []
        for record in self._reader.scan(PREDICTIONS.name, partition, start, end):
            if time.monotonic() > until_s:
                return None
            if keep(record):
                kept.append(record)
        return kept

    def close(self) -> None:
        closed = self.thread.submit(self._close)
        self.thread.shutdown()
        closed.result()

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
