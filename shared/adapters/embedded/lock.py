"""One lock for threads and processes alike: `flock` on a side file.

Promises: waits at most its timeout, then raises TimeoutError; the kernel frees it when the holder dies.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FIRST_WAIT_S = 0.0001
_LONGEST_WAIT_S = 0.002


class FileLock:
    """Not reentrant. `flock` cannot wait with a timeout, so it is tried, at first every 0.1 ms."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._threads = threading.Lock()  # one descriptor is one holder: flock alone would let every thread in
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    @contextmanager
    def held(self, timeout_s: float) -> Iterator[None]:
        deadline = time.monotonic() + timeout_s
        if not self._threads.acquire(timeout=timeout_s):
            raise TimeoutError(f"{self._file.name} is held by a thread of this process for {timeout_s:g} s")
        try:
            self._flock(deadline, timeout_s)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        os.close(self._descriptor)

    def _flock(self, deadline: float, timeout_s: float) -> None:
        wait_s = _FIRST_WAIT_S
        while not try_lock(self._descriptor):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{self._file.name} is held by another process for {timeout_s:g} s")
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def try_lock(descriptor: int) -> bool:
    """Takes the exclusive lock of an open file if nobody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
