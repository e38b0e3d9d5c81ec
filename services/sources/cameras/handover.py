"""The place between the cameras' threads and the loop that publishes: a slot for each camera.

Promises: a camera never waits; of each, the newest HELD pictures are held, more while they are few and small, and older ones
given up, so that memory is bounded while the log is down. Cameras are served in turn.
"""

import threading
from collections import deque
from dataclasses import dataclass, field

from services.sources.picture import Picture

HELD = 2
BURST, BURST_BYTES = 32, 1024 * 1024
"""A segment of HLS brings many pictures at once: those of small ones would be given up while the log only waits for them."""


@dataclass(slots=True)
class Handover:
    _slots: dict[str, deque[Picture]] = field(default_factory=dict, init=False)
    """Of cameras with something to publish, longest waiting first."""
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)

    def put(self, picture: Picture) -> int:
        """How many older pictures were given up for it."""
        with self._changed:
            slot = self._slots.setdefault(picture.source_id, deque())
            slot.append(picture)
            given_up = 0
            while _too_many(slot):
                slot.popleft()
                given_up += 1
            self._changed.notify()
            return given_up

    @property
    def empty(self) -> bool:
        with self._changed:
            return not self._slots

    def take(self, wait_s: float) -> Picture | None:
        """The next picture; None when none came for so long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._slots, wait_s):
                return None
            source_id, slot = next(iter(self._slots.items()))
            del self._slots[source_id]
            picture = slot.popleft()
            if slot:
                self._slots[source_id] = slot  # to the end of the line
            return picture


def _too_many(slot: deque[Picture]) -> bool:
    return len(slot) > HELD and (len(slot) > BURST or sum(len(picture.image) for picture in slot) > BURST_BYTES)
