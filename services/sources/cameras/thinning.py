"""Thinning: which pictures of a stream are wanted, decided before anything is decoded.

Promises: over any T seconds at most fps * T + 2 pictures, evenly: two are at least half a period apart. After a pause there is
no burst to catch up. A picture that could not be used takes no other's place.
"""

from dataclasses import dataclass, field

_EARLY = 0.1
"""Of a period: a camera that sends just as many pictures as are wanted may be that early, or every other one would be lost."""


@dataclass(slots=True)
class Thinning:
    """`due` asks, `took` says that one was taken. Times are seconds of any clock; one that goes back starts anew."""

    fps: float
    _next_s: float = field(default=float("-inf"), init=False)
    _last_s: float = field(default=float("-inf"), init=False)

    def due(self, at_s: float) -> bool:
        if at_s < self._last_s:
            self._next_s = self._last_s = float("-inf")
        return at_s >= self._next_s - _EARLY * self._period_s and at_s - self._last_s >= self._period_s / 2

    def took(self, at_s: float) -> None:
        """The next is due a period after this one was, or, when this one came late, a period after it came."""
        late = at_s - self._next_s >= self._period_s
        self._next_s = (at_s if late else self._next_s) + self._period_s
        self._last_s = at_s

    def wait_s(self, at_s: float) -> float:
        """How long until the next is due; at most a period, for a clock that was set back."""
        return min(max(0.0, self._next_s - at_s), self._period_s)

    @property
    def _period_s(self) -> float:
        return 1.0 / self.fps
