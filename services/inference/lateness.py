"""Late frames: beyond an age that the settings name, a partition skips ahead to its newest frames.

Promises: pure; it is told what time it is. Nothing is skipped unless the settings say so. It skips until a frame is much
fresher than the limit, so that what is too slow catches up instead of being late for ever, or until frames within the limit
get no fresher: those are the newest, and their way here takes that long. Every skipped frame is counted.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from shared.streams.frames import Frame
from shared.streams.record import Partition
from shared.telemetry import logs, metrics

FRESH_SHARE = 0.1
"""Of the limit: how young a frame must be that ends the skipping."""
NO_FRESHER_S = 1.0
"""So long without a fresher one, and the newest are reached: whoever catches up gets fresher with every batch."""
TOO_OLD = "too_old"
MOST_SOURCES = 1000
"""Sources with a count of their own; those that come later share one, since anybody may name sources."""
OTHERS = "(others)"


@dataclass
class _Episode:
    """One partition's skipping, from the first frame that was too old."""

    frames: Counter[str] = field(default_factory=Counter)
    oldest_s: float = 0.0
    freshest_s: float = float("inf")
    freshest_at_s: float = 0.0

    def reached(self, age_s: float, now_s: float) -> bool:
        """Whether for a while no frame was fresher than those before it."""
        if age_s < self.freshest_s:
            self.freshest_s, self.freshest_at_s = age_s, now_s
        return now_s - self.freshest_at_s >= NO_FRESHER_S


class Lateness:
    """`max_age_s` None: nothing is ever too old."""

    def __init__(self, max_age_s: float | None, now_s: Callable[[], float] = time.time) -> None:
        self._max_age_s, self._now_s = max_age_s, now_s
        self._episodes: dict[Partition, _Episode] = {}
        self._named: set[str] = set()
        self._log = logs.get(service="inference")

    def skips(self, partition: Partition, frame: Frame) -> bool:
        """Whether this frame is left out. Called for every frame of a partition, in their order."""
        if self._max_age_s is None:
            return False
        now_s, episode = self._now_s(), self._episodes.get(partition)
        age_s = now_s - frame.ref.time_ms / 1000
        reached = episode is None or episode.reached(age_s, now_s)
        if age_s <= self._max_age_s * (1.0 if reached else FRESH_SHARE):
            self._end(partition)
            return False
        self._count(partition, frame, age_s)
        return True

    def forget(self, partitions: Collection[Partition]) -> None:
        """They are somebody else's now, or come anew."""
        for partition in partitions:
            self._end(partition)

    def _count(self, partition: Partition, frame: Frame, age_s: float) -> None:
        if partition not in self._episodes:
            self._log.warning("frames.skipping", reason=TOO_OLD, partition=partition[1], age_s=round(age_s, 1))
        episode = self._episodes.setdefault(partition, _Episode())
        episode.frames[self._label(frame.source_id)] += 1
        episode.oldest_s = max(episode.oldest_s, age_s)
        metrics.FRAMES_SKIPPED.labels(self._label(frame.source_id), TOO_OLD).inc()

    def _label(self, source_id: str) -> str:
        if len(self._named) < MOST_SOURCES:
            self._named.add(source_id)
        return source_id if source_id in self._named else OTHERS

    def _end(self, partition: Partition) -> None:
        episode = self._episodes.pop(partition, None)
        if episode is None:
            return
        self._log.warning(
            "frames.skipped",
            reason=TOO_OLD,
            partition=partition[1],
            skipped=episode.frames.total(),
            sources=dict(episode.frames.most_common(10)),
            oldest_s=round(episode.oldest_s, 1),
            max_age_s=self._max_age_s,
            hint="more frames come than this machine predicts: add replicas, publish fewer, or take a smaller model",
        )
