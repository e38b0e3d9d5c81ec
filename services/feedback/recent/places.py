"""Places: which sources there were lately, when, and on which partition each lies.

Promises: learns from the ends of the partitions alone and reads none of a record but its key; remembers a bounded number
of sources. A source that was not seen lies where murmur2 of its id says, or anywhere: another partitioner may have put it.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from services.feedback.recent.lanes import Lanes
from services.feedback.recent.wanted import source_of
from shared.errors import Unavailable
from shared.ports import Log
from shared.ports.log import Bounds
from shared.streams.murmur2 import partition_of
from shared.streams.predictions import PREDICTIONS
from shared.streams.record import Record

TAIL = 1_000
"""Records at the end of each partition that are looked at, at most, each time."""
MAX_SOURCES = 10_000
FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source was met last. `seen_ms`: log time of that prediction."""

    source_id: str
    partition: int
    seen_ms: int


class Places:
    """Any thread may ask; one of them looks, the others wait for what it finds."""

    def __init__(self, log: Log, lanes: Lanes) -> None:
        self._log = log
        self._lanes = lanes
        self._looking = threading.Lock()
        self._looked_at_s = -FRESH_S
        self._failed: tuple[float, str] = (float("-inf"), "")
        self._ends: dict[int, int] = {}
        self._places: OrderedDict[str, Place] = OrderedDict()

    def all(self, until_s: float) -> list[Place]:
        """The sources that were met, the latest first. Raises Unavailable."""
        self._look(until_s)
        with self._looking:
            return sorted(self._places.values(), key=lambda place: place.seen_ms, reverse=True)

    def order(self, source_id: str, partitions: int, until_s: float) -> list[int]:
        """Every partition, the likeliest first, then those after it, around. Raises Unavailable."""
        first = self.of(source_id, until_s)
        likely = partition_of(source_id.encode(), partitions) if first is None else first
        return [(likely + step) % partitions for step in range(partitions)]

    def of(self, source_id: str, until_s: float) -> int | None:
        """The partition on which the source was met, None where it was not. Raises Unavailable."""
        place = self._places.get(source_id)
        if place is None:
            self._look(until_s)
            place = self._places.get(source_id)
        return None if place is None else place.partition

    def _look(self, until_s: float) -> None:
        came_s = time.monotonic()
        with self._looking:
            if time.monotonic() - self._looked_at_s < FRESH_S:
                return
            failed_s, dependency = self._failed
            if came_s <= failed_s:  # it has waited for one who found nobody, and would wait as long again
                raise Unavailable(dependency, "the ends of the partitions were asked for, without an answer")
            try:
                self._look_at_all(until_s)
            except Unavailable as error:
                self._failed = time.monotonic(), error.dependency
                raise

    def _look_at_all(self, until_s: float) -> None:
        for partition, bounds in self._log.bounds(PREDICTIONS.name).items():
            self._look_at(partition, bounds, until_s)
        self._looked_at_s = time.monotonic()

    def _look_at(self, partition: int, bounds: Bounds, until_s: float) -> None:
        """What came since the last look; of much, its end."""
        start = max(bounds.start, bounds.end - TAIL, min(self._ends.get(partition, 0), bounds.end))
        if start >= bounds.end:
            return
        latest: dict[bytes, int] = {}
        if self._lanes.scan(partition, start, bounds.end, lambda record: _note(latest, record), until_s) is None:
            return
        self._learn(partition, latest)
        self._ends[partition] = bounds.end

    def _learn(self, partition: int, latest: Mapping[bytes, int]) -> None:
        for key, seen_ms in latest.items():
            source_id = source_of(key)
            if source_id is not None:
                self._places[source_id] = Place(source_id, partition, seen_ms)
                self._places.move_to_end(source_id)
        while len(self._places) > MAX_SOURCES:
            self._places.popitem(last=False)


def _note(latest: dict[bytes, int], record: Record) -> bool:
    """Keeps no record: its key and time are all that is wanted of it."""
    if record.key:
        latest[record.key] = record.time_ms
    return False
