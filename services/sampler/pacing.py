"""Pacing: how often the state store is asked for plans, while many epochs pass in a second.

Promises: at most `MOST_CALLS_PER_S` calls in the long run, of all collections together. Live, every epoch has a plan of its
own; while catching up one plan holds for the epochs of a moment. It says when the store is asked, never what is drawn.
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
GROWTH = 2
"""A stretch is at most so many times the last one: two batches at once, as at a start, are no catching up."""
GAP = 10
"""Epochs without a frame after which what comes next is no part of the same run."""


class Pace:
    """What a replica asks of the store for its plans, one call after the other; its collections share it."""

    def __init__(
        self, now_s: Callable[[], float] = time.monotonic, wait_s: Callable[[float], None] = time.sleep
    ) -> None:
        self.now_s, self._wait_s = now_s, wait_s
        self._free_s = now_s() - BURST / MOST_CALLS_PER_S
        self.made = 0
        self.collections = 0

    def take(self) -> None:
        """A call is about to be made: waits until it may."""
        now_s = self.now_s()
        self.made += 1
        self._free_s = max(self._free_s, now_s - BURST / MOST_CALLS_PER_S) + 1 / MOST_CALLS_PER_S
        if self._free_s > now_s:
            self._wait_s(self._free_s - now_s)


class Stretch:
    """How many epochs one plan of a collection should hold for."""

    def __init__(self) -> None:
        self._planned_s, self._planned = -inf, 1
        self._made, self._took = 0, 0

    def begin(self, pace: Pace) -> int:
        """Plans are about to be made. Returns for how many epochs, at the speed at which the last ones passed."""
        elapsed_s = max(1e-3, pace.now_s() - self._planned_s)
        # Half of the calls that are allowed, shared by all: the other half is for moments when the pace changes.
        apart_s = 2 * max(1, pace.collections) * self._took / MOST_CALLS_PER_S
        self._made = pace.made
        return max(1, min(MOST_EPOCHS, GROWTH * self._planned, ceil(apart_s * self._planned / elapsed_s)))

    def end(self, pace: Pace, epochs: int) -> None:
        """So many epochs have a plan now."""
        self._planned_s, self._planned = pace.now_s(), epochs
        self._took = pace.made - self._made


def ahead(epochs: Set[int], stretch: int) -> set[int]:
    """These epochs, and those that follow each run of them: partitions that catch up from different times each go on."""
    ends = [epoch for epoch, following in pairwise((*sorted(epochs), inf)) if following - epoch > GAP]
    each = max(1, min(stretch, MOST_EPOCHS // len(ends)))
    return set(epochs).union(*(range(int(end), int(end) + each) for end in ends))
