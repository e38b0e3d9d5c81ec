"""Scenes by log time alone: the sampler's own, where no process clock says when to stop waiting at a partition's idle end.

Promises: a moment that no prediction came is a moment that the sampler waited, as it does when it keeps up with its stream.
"""

from collections.abc import Sequence

from services.sampler.rules import Rules
from services.sampler.scenes import Scened, Scenes
from services.sampler.waiting import IDLE_S
from shared.runtime.service import Received

MOST_STEPS = int(IDLE_S) + 2
"""Seconds after which nobody waits any more: the sampler looks at least once in each."""


class LogTimeScenes(Scenes):
    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._looked_s = 0.0

    def of(self, batch: Sequence[Received]) -> list[Scened]:
        """What there is to score once this batch has come: the next one in the order of the log time."""
        time_s = batch[0].record.time_ms / 1000
        waited = self._idle_until(time_s)
        self.begin()
        arrived = self.arrived(batch)
        self._looked_s = time_s
        return [*waited, *self._taken(arrived, time_s)]

    def rest(self) -> list[Scened]:
        """Who still waits when nothing follows."""
        return self._idle_until(self._looked_s + MOST_STEPS)

    def _idle_until(self, time_s: float) -> list[Scened]:
        """Who was let go of while nothing came."""
        if self._room is None:
            return []
        steps = min(MOST_STEPS, int(time_s - self._looked_s))
        for step in range(1, steps + 1):
            self._room.released(self._looked_s + step)
        return self._taken([], time_s)

    def _taken(self, arrived: list[Scened], time_s: float) -> list[Scened]:
        """What arrived, or where strategies wait those that have what they waited for. They are through then."""
        ready = arrived if self._room is None else self._room.released(time_s)
        self.settle()
        return ready
