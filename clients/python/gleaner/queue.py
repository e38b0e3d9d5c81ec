"""Frames that wait to be sent: in order, and never more bytes than allowed.

Promises: whoever puts one in waits no longer than it says; a frame counts until it is settled, so that what is being sent is
within the bound, too.
"""

import threading
from collections import deque
from dataclasses import dataclass

from gleaner.published import Published

OVERHEAD_BYTES = 1_000
"""What a waiting frame takes beside its image and what is said about it."""


@dataclass(frozen=True)
class Waiting:
    """One frame, as it will be sent."""

    image: bytes
    about: bytes
    key: str
    published: Published

    @property
    def size(self) -> int:
        return len(self.image) + len(self.about) + OVERHEAD_BYTES


class Queue:
    """First in, first out. Any thread."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = self._ending = False

    @property
    def is_closed(self) -> bool:
        return self._closed

    def put(self, one: Waiting, block_s: float) -> bool:
        """Whether there was room, or came to be within `block_s`."""
        with self._changed:
            fits = one.size <= self._max_bytes and self._changed.wait_for(lambda: self._has_room(one), block_s)
            if not fits or self._closed:
                return False
            self._waiting.append(one)
            self._bytes += one.size
            self._changed.notify_all()
            return True

    def first(self) -> Waiting | None:
        """The oldest, which stays until it is settled; waits for one. None once there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._ending or self._waiting)
            return self._waiting[0] if self._waiting else None

    def settle(self, one: Waiting) -> None:
        """The oldest is done with."""
        with self._changed:
            if self._waiting and self._waiting[0] is one:
                self._waiting.popleft()
                self._bytes -= one.size
                self._changed.notify_all()

    def wait_empty(self, timeout_s: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout_s)

    def end(self) -> None:
        """Nobody will put another one in."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def left_behind(self) -> list[Waiting]:
        """After a fork, in the child, where the thread that holds the lock may not be."""
        return list(self._waiting)

    def close(self) -> list[Waiting]:
        """Takes no more. Returns what was still waiting, which is the caller's now."""
        with self._changed:
            self._closed = True
            left = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify_all()
            return left

    def wait_closed(self, timeout_s: float) -> bool:
        """A pause that ends early when the queue is closed. Whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, timeout_s)

    def sizes(self) -> tuple[int, int]:
        """How many wait, and their bytes."""
        with self._changed:
            return len(self._waiting), self._bytes

    def _has_room(self, one: Waiting) -> bool:
        return self._closed or self._bytes + one.size <= self._max_bytes
