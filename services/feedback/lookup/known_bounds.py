"""Known bounds: what is there of a stream, asked at most once a second, so that most questions need no read.

Promises: that something was never written is said of an end that was asked for after the question came; thread-safe. Of
many that wait for a log that is down, one waits its timeout, and all are told.
"""

import time
from collections.abc import Callable, Mapping
from threading import Lock

from shared.errors import Unavailable
from shared.ports import Bounds, Log

FRESH_S = 1.0


class KnownBounds:
    """Of one stream."""

    def __init__(self, log: Log, stream: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._stream = stream
        self._now_s = now_s
        self._asking = Lock()
        self._known: Mapping[int, Bounds] = {}
        self._asked_s = float("-inf")
        self._failed_s = float("-inf")
        self._dependency = ""

    def now_s(self) -> float:
        """When a question comes, for `around`: of many that come together the log is asked for once."""
        return self._now_s()

    def around(self, partition: int, offset: int, came_s: float) -> Bounds | None:
        """Of this partition, None where there is none. Raises Unavailable."""
        with self._asking:
            here = self._known.get(partition)
            is_within = here is not None and offset < here.end
            if self._asked_s < (came_s - FRESH_S if is_within else came_s):
                self._ask(came_s)
            return self._known.get(partition)

    def _ask(self, came_s: float) -> None:
        if came_s <= self._failed_s:  # it would wait as long for the same answer
            raise Unavailable(self._dependency, f"the bounds of {self._stream} were asked for, without an answer")
        asked_s = self._now_s()
        try:
            self._known, self._asked_s = self._log.bounds(self._stream), asked_s
        except Unavailable as error:
            self._failed_s, self._dependency = self._now_s(), error.dependency
            raise
