"""Where work waits until somebody takes a few pieces of one kind together.

Promises: the oldest is always among those taken, so nothing starves; whoever waits here goes on when it is closed.
"""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Gathering(Generic[T]):
    """For several threads on both sides. `most`: `put` blocks while as many wait, None: never."""

    def __init__(self, kind: Callable[[T], Hashable] | None = None, most: int | None = None) -> None:
        self._kind, self._most = kind, most
        self._waiting: list[T] = []
        self._closed = False
        lock = threading.Lock()
        self._filled, self._emptied = threading.Condition(lock), threading.Condition(lock)

    def put(self, one: T) -> bool:
        """False when it is closed, and nobody will take it."""
        with self._emptied:
            self._emptied.wait_for(lambda: self._closed or self._most is None or len(self._waiting) < self._most)
            if self._closed:
                return False
            self._waiting.append(one)
            self._filled.notify()
            return True

    def take(self, most: int, takers: int = 1, wait_s: float = 0.0) -> list[T]:
        """At most `most` of the oldest one's kind, no more than its share among the takers; [] once it is closed.

        `wait_s`: how long it waits for more where there are fewer.
        """
        with self._filled:
            self._filled.wait_for(lambda: self._closed or bool(self._waiting))
            if wait_s:
                self._wait_for_more(most, time.monotonic() + wait_s)
            taken = [] if self._closed else self._together()[: min(most, -(-len(self._waiting) // takers))]
            self._remove(taken)
            if self._waiting:
                self._filled.notify()
            self._emptied.notify(len(taken))
            return taken

    def close(self) -> list[T]:
        """Lets everybody go; gives back what was waiting."""
        with self._filled:
            left, self._waiting, self._closed = self._waiting, [], True
            self._filled.notify_all()
            self._emptied.notify_all()
            return left

    def _wait_for_more(self, most: int, until_s: float) -> None:
        """Somebody else may take all that is there meanwhile: then it waits for the next one, and for its companions."""
        while not self._closed and len(self._together()) < most:
            left_s = until_s - time.monotonic()
            if left_s <= 0 and self._waiting:
                return
            self._filled.wait(left_s if self._waiting else None)

    def _together(self) -> list[T]:
        if self._kind is None or not self._waiting:
            return self._waiting
        kind = self._kind(self._waiting[0])
        return [one for one in self._waiting if self._kind(one) == kind]

    def _remove(self, taken: list[T]) -> None:
        gone = {id(one) for one in taken}
        self._waiting = [one for one in self._waiting if id(one) not in gone]
