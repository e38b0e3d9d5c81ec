"""A gate that bounds the bytes in flight: kafka-python itself takes records without end while the broker is away.

Promises: what entered leaves exactly once; one record always fits an empty gate, however large it is.
"""

import threading
import time
from collections.abc import Callable


class ByteGate:
    """Counts bytes and records between `enter` and `leave`. For many threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._records = 0
        self._changed = threading.Condition()

    def enter(self, size: int, timeout_s: float) -> bool:
        """Waits for room, at most that long. False: there was none, nothing entered."""
        with self._changed:
            if not self._wait(lambda: self._has_room(size), timeout_s):
                return False
            self._bytes += size
            self._records += 1
            return True

    def leave(self, size: int) -> None:
        with self._changed:
            self._bytes -= size
            self._records -= 1
            self._changed.notify_all()

    def wait_until_empty(self, timeout_s: float) -> bool:
        """False: after that time something is still in flight."""
        with self._changed:
            return self._wait(lambda: self._records == 0, timeout_s)

    @property
    def bytes_in_flight(self) -> int:
        return self._bytes

    @property
    def records_in_flight(self) -> int:
        return self._records

    def _has_room(self, size: int) -> bool:
        return self._records == 0 or self._bytes + size <= self._most_bytes

    def _wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        return self._changed.wait_for(condition, max(0.0, timeout_s))


def time_left_s(deadline_s: float) -> float:
    """Seconds until a `time.monotonic()` deadline, never negative."""
    return max(0.0, deadline_s - time.monotonic())
