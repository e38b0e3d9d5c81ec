"""Pacing: how often the state store is asked for plans, while many epochs pass in a second.

Promises: at most `MOST_CALLS_PER_S` calls in the long run. Live, every epoch has a plan of its own; while catching up one plan
holds for the epochs of a moment. It says when the store is asked, never what is drawn.
"""

import time
from collections.abc import Callable, Set
from itertools import pairwise
from math import ceil, inf

MOST_CALLS_PER_S = 20
BURST = 20
"""Calls that may come at once after a pause."""
MOST_EPOCHS = 4096
"""Planned ahead at once."""
GAP = 10
"""Epochs without a frame after which what comes next is no part of the same run."""


class Pace:
    def __init__(
        self, now_s: Callable[[], float] = time.monotonic, wait_s: Callable[[float], None] = time.sleep
    ) -> None:
        self._now_s, self._wait_s = now_s, wait_s
        self._free_s = now_s() - BURST / MOST_CALLS_PER_S
        self._asked_s = self._free_s
        self._planned = 1
        self._calls, self._calls_before = 0, 0

    def take(self) -> None:
        """One call of the store is about to be made: waits until it may."""
        now_s = self._now_s()
        self._calls += 1
        self._free_s = max(self._free_s, now_s - BURST / MOST_CALLS_PER_S) + 1 / MOST_CALLS_PER_S
        if self._free_s > now_s:
            self._wait_s(self._free_s - now_s)
            # What waiting takes says nothing about how fast epochs pass without it.
            self._asked_s += self._free_s - now_s

    def stretch(self) -> int:
        """How many epochs one plan should hold for, at the speed at which the last ones passed."""
        elapsed_s = max(1e-3, self._now_s() - self._asked_s)
        apart_s = 2 * self._calls_before / MOST_CALLS_PER_S
        return max(1, min(MOST_EPOCHS, ceil(apart_s * self._planned / elapsed_s)))

    def planned(self, epochs: int) -> None:
        """So many epochs have a plan now."""
        self._asked_s, self._planned = self._now_s(), epochs
        self._calls_before, self._calls = self._calls, 0


def ahead(epochs: Set[int], stretch: int) -> set[int]:
    """These epochs, and those that follow each run of them: partitions that catch up from different times each go on."""
    ends = [epoch for epoch, following in pairwise((*sorted(epochs), inf)) if following - epoch > GAP]
    each = max(1, min(stretch, MOST_EPOCHS // len(ends)))
    return set(epochs).union(*(range(int(end), int(end) + each) for end in ends))
