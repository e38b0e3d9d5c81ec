"""A subscription: what one client is still to be sent, filled by the tailing thread and emptied by the event loop.

Promises: bounded in bytes. A client that lives with the stream and is too slow loses the oldest, and is told how many; one
that catches up after a break loses nothing: it is read for only as fast as it takes.
"""

import asyncio
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from services.feedback.recent.wanted import Wanted

MAX_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """One prediction on its way to a client. `data`: its JSON, shared by all clients."""

    event_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """`dropped`: how many a slow client has lost since. `expired`: offsets that the log had lost before it came back."""

    events: list[Event]
    dropped: int
    expired: int
    ended: bool


class Subscription:
    """`positions` (next offset per partition) and `behind` (partitions that it is catching up on) are the tail's."""

    def __init__(self, wanted: Wanted, positions: dict[int, int], behind: set[int], max_bytes: int = MAX_BYTES) -> None:
        self.wanted = wanted
        self.positions = positions
        self.behind = behind
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
        self._something = asyncio.Event()
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._bytes = self._dropped = self._expired = 0
        self._ended = False

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._max_bytes

    def offer(self, event: Event) -> None:
        """From any thread."""
        with self._lock:
            is_first = not self._events
            self._events.append(event)
            self._bytes += len(event.data)
            while self._bytes > self._max_bytes and len(self._events) > 1 and not self.behind:
                self._bytes -= len(self._events.popleft().data)
                self._dropped += 1
        if is_first:  # to wake the loop is what costs, and it takes all that is there
            self._wake()

    def lost(self, offsets: int) -> None:
        """The log does not have these any more."""
        with self._lock:
            self._expired += offsets
        self._wake()

    def end(self) -> None:
        with self._lock:
            self._ended = True
        self._wake()

    async def take(self, timeout_s: float) -> Taken:
        """What there is, waiting for something until the timeout."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._something.wait(), timeout_s)
        with self._lock:
            self._something.clear()
            taken = Taken(list(self._events), self._dropped, self._expired, self._ended)
            self._events.clear()
            self._bytes = self._dropped = self._expired = 0
        return taken

    def _wake(self) -> None:
        # The loop is closed when the server has gone: then nobody waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._something.set)
