"""The limit on dead letters: when half of the recent records are poison, it is a bad deploy and not bad data.

Promises: `flooded` turns true once at least half of the last `window` records, of which there are `window`, were dead
letters. The worker then stops consuming and says so; it does not restart in a loop and does not empty a stream into its dlq.
"""

from collections import deque


class DeadLetterLimit:
    def __init__(self, window: int = 200, share: float = 0.5) -> None:
        self._recent: deque[bool] = deque(maxlen=window)
        self._most = window * share

    def count(self, records: int, dead: int) -> None:
        """Notes a batch."""
        self._recent.extend([True] * dead + [False] * (records - dead))

    @property
    def flooded(self) -> bool:
        return len(self._recent) == self._recent.maxlen and sum(self._recent) >= self._most
