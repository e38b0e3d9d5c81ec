"""Scenes: from what the log delivers to what strategies look at: no repeats, no shadows, each with its source's recent past.

Promises: a batch that is handed in again makes the same scenes. A frame that a strategy wants to see with what comes after it
waits here, and its partition is not committed past it.
"""

import time
from collections.abc import Sequence

from services.sampler.recent.memory import Recent
from services.sampler.recent.past import UNKNOWN
from services.sampler.repeats import Repeats
from services.sampler.rules import Rules
from services.sampler.strategies.scene import Scene
from services.sampler.waiting import WaitingRoom
from shared.runtime.service import Received
from shared.streams.predictions import Prediction
from shared.streams.record import Partition
from shared.telemetry import metrics

Scened = tuple[Received, Scene]


class Scenes:
    def __init__(self, rules: Rules) -> None:
        self._repeats = Repeats()
        self._recent = Recent()
        self._room: WaitingRoom | None = None
        self.follow(rules)

    def follow(self, rules: Rules) -> None:
        """These are the rules from now on. Raises nothing: who waits by the old ones goes on waiting for what they wanted."""
        self._need_past = rules.need_past
        if self._room is not None:
            self._room.follow(rules.wait_frames, rules.wants_shadow)
        elif rules.wait_frames or rules.wait_shadow:
            self._room = WaitingRoom(rules.wait_frames, rules.wants_shadow)

    def begin(self) -> None:
        """A batch begins, perhaps again."""
        self._repeats.begin()

    def arrived(self, batch: Sequence[Received]) -> list[Scened]:
        """The scenes of what came, in the order of the log; those of them that wait are waiting now."""
        return [(received, scene) for received in batch if (scene := self._scene(received)) is not None]

    def recall(self, received: Received) -> None:
        """A prediction from before the first one that was delivered: pasts and shadows are made of these."""
        if received.message.role == "shadow":
            if self._room is not None:
                self._room.meet_shadow(received)
        elif self._need_past:
            self._recent.read_back(received)

    def ready(self, arrived: list[Scened]) -> list[Scened]:
        """What there is to score now: what arrived, or where strategies wait those that have what they waited for."""
        return arrived if self._room is None else self._room.released(time.monotonic())

    def settle(self) -> None:
        """The batch is through."""
        self._repeats.settle()
        self._recent.settle()
        if self._room is not None:
            self._room.settle()

    def committable(self, partition: Partition, position: int) -> int:
        return position if self._room is None else self._room.committable(partition, position)

    def forget(self, partitions: set[int]) -> None:
        """These partitions come or go."""
        self._repeats.forget(partitions)
        self._recent.forget(partitions)
        if self._room is not None:
            self._room.forget(partitions)

    def _scene(self, received: Received) -> Scene | None:
        """None of what no strategy looks at: verdicts, shadows, what was met before. What is late is served, and counted."""
        prediction = received.message
        if not isinstance(prediction, Prediction):
            return None
        if not self._is_news(received, prediction):
            return None
        scene = Scene(prediction, self._recent.meet(received) if self._need_past else UNKNOWN)
        if self._room is not None:
            self._room.add(received, scene)
        return scene

    def _is_news(self, received: Received, prediction: Prediction) -> bool:
        if prediction.role == "shadow":
            metrics.DECISIONS.labels("shadow").inc()
            if self._room is not None:
                self._room.meet_shadow(received)
            return False
        novelty = self._repeats.meet(prediction.model_id, prediction.frame.partition, prediction.frame.offset)
        if novelty == "late":
            metrics.LATE.inc()
        if novelty == "seen":
            metrics.DECISIONS.labels("seen").inc()
        return novelty != "seen"
