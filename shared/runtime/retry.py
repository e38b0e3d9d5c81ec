"""Backoff: how long to wait before the next try of something that is down.

Promises: grows by a factor from `first_s` to `most_s`, with up to a quarter of jitter, so that replicas do not knock at once.
"""

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    first_s: float = 0.2
    most_s: float = 10.0
    factor: float = 2.0
    _next_s: float = field(default=0.0, init=False)

    def next_s(self) -> float:
        """The next wait, in seconds."""
        self._next_s = min(self.most_s, self._next_s * self.factor) if self._next_s else self.first_s
        # Jitter decides nothing about a frame, so dice are fine here.
        return self._next_s * random.uniform(0.75, 1.0)

    def reset(self) -> None:
        self._next_s = 0.0
