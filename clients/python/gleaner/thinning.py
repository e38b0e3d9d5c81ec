"""Thinning: which frames of a source are wanted, decided before anything is encoded.

Promises: at most max_fps frames a second of each source, evenly; after a pause there is no burst to catch up.
"""

MOST_SOURCES = 10_000
_EARLY = 0.1
"""Of a period: a loop that runs just as fast as is wanted may be that early, or every other frame would be lost."""


class Thinning:
    """`takes` asks for one frame and notes it. Times are seconds of a clock that does not go back. Not for two threads."""

    def __init__(self, max_fps: float) -> None:
        self._period_s = 1.0 / max_fps
        self._next_s: dict[str, float] = {}

    def takes(self, source_id: str, at_s: float) -> bool:
        due_s = self._next_s.get(source_id, at_s)
        if at_s < due_s - _EARLY * self._period_s:
            return False
        if len(self._next_s) >= MOST_SOURCES:
            self._next_s.clear()
        late = at_s - due_s >= self._period_s
        self._next_s[source_id] = (at_s if late else due_s) + self._period_s
        return True
