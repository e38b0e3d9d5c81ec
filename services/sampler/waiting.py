"""Waiting: some strategies judge a frame by what comes after it: further frames of its source, or a shadow's prediction of it.

Promises: frames come out in order within their source, each once; what they waited for depends on the log alone, not on
how it was cut into batches. No frame waits past 1,024 offsets or 10 s of log time; at the idle end of a partition, where no
log time passes, 10 s of the process's clock. Released frames stay here until `settle`, so a batch that is handed in again is
given the same, and nothing is committed past them.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from services.sampler.idle import Idle
from services.sampler.strategies.scene import Scene
from shared.runtime.service import Received
from shared.streams import PREDICTIONS
from shared.streams.predictions import Prediction
from shared.streams.record import Partition

MOST_OFFSETS, MOST_WAIT_MS, IDLE_S = 1024, 10_000, 10.0
MOST_SHADOWS = 1024
"""Shadows' predictions per partition that are remembered: one may come before the live model's."""
MOST_LANES = 4096
"""Sources per partition whose order is remembered while none of their frames waits."""

WantsShadow = Callable[[Prediction], bool]


@dataclass(slots=True, eq=False)
class _Waiting:
    """One frame that waits. `out`: released, nothing changes it any more."""

    received: Received
    scene: Scene
    frames: int
    shadow: bool
    out: bool = False

    @property
    def is_ready(self) -> bool:
        return self.frames <= 0 and not self.shadow


@dataclass(slots=True)
class _Lane:
    """One model's view of one source: who waits, in order, and its last frames (to say which of them a gap lies on)."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    last: deque[_Waiting] = field(default_factory=lambda: deque(maxlen=5))
    highest: int = -1

    def follow(self, one: _Waiting) -> None:
        """The next frame: what it tells those before it. A late one tells nothing."""
        offset = one.scene.prediction.frame.offset
        if offset > self.highest:
            self.highest = offset
            for missed in one.scene.past.returned:
                for earlier in list(self.last)[-missed:]:
                    earlier.scene.gaps += not earlier.out
            for earlier in self.waiting:
                earlier.frames -= 1
            self.last.append(one)
        self.waiting.append(one)


class _Room:
    """One partition."""

    def __init__(self) -> None:
        self.highest = -1
        self.waiting: deque[_Waiting] = deque()
        self.released: list[_Waiting] = []
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._shadows: dict[str, Prediction] = {}
        self._awaited: dict[str, list[tuple[_Waiting, _Lane]]] = {}

    def add(self, one: _Waiting) -> None:
        prediction = one.scene.prediction
        lane = self._lane(prediction)
        lane.follow(one)
        self.waiting.append(one)
        if one.shadow:
            frame_id = prediction.frame.frame_id
            self._awaited.setdefault(frame_id, []).append((one, lane))
            if (shadow := self._shadows.get(frame_id)) is not None:
                self._give(frame_id, shadow)
        self._release_ready(lane)

    def meet_shadow(self, prediction: Prediction) -> None:
        """Remembered for whoever else predicts the frame, too: a second live model."""
        frame_id = prediction.frame.frame_id
        self._give(frame_id, self._shadows.setdefault(frame_id, prediction))
        if len(self._shadows) > MOST_SHADOWS:
            del self._shadows[next(iter(self._shadows))]

    def advance(self, offset: int, time_ms: int) -> None:
        """The log is there now: lets go of who has waited too long."""
        self.highest = offset
        while self.waiting and _is_overdue(self.waiting[0], offset, time_ms):
            # Those behind it may have what they wait for: after a restart, which delivers them without it, they would be out.
            self._release_ready(self._release(self.waiting[0]))

    def release_all(self) -> None:
        while self.waiting:
            self._release(self.waiting[0])

    def _give(self, frame_id: str, shadow: Prediction) -> None:
        for one, lane in self._awaited.pop(frame_id, ()):
            one.scene.shadow = shadow
            one.shadow = False
            self._release_ready(lane)

    def _release_ready(self, lane: _Lane) -> None:
        while lane.waiting and lane.waiting[0].is_ready:
            self._release(lane.waiting[0])

    def _release(self, one: _Waiting) -> _Lane:
        """The first of its lane."""
        prediction = one.scene.prediction
        lane = self._lanes[prediction.source_id, prediction.model_id]
        lane.waiting.popleft()
        if one.shadow:
            self._await_no_more(one, prediction.frame.frame_id)
        one.out = True
        self.released.append(one)
        while self.waiting and self.waiting[0].out:
            self.waiting.popleft()
        return lane

    def _await_no_more(self, one: _Waiting, frame_id: str) -> None:
        others = [pair for pair in self._awaited.pop(frame_id) if pair[0] is not one]
        if others:
            self._awaited[frame_id] = others

    def _lane(self, prediction: Prediction) -> _Lane:
        key = prediction.source_id, prediction.model_id
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) >= MOST_LANES:
                self._lanes = {at: one for at, one in self._lanes.items() if one.waiting}
            lane = self._lanes[key] = _Lane()
        return lane


def _is_overdue(one: _Waiting, offset: int, time_ms: int) -> bool:
    record = one.received.record
    return offset - record.offset >= MOST_OFFSETS or time_ms - record.time_ms >= MOST_WAIT_MS


class WaitingRoom:
    """`frames`: how many further frames of its source every frame waits for; `wants_shadow`: which wait for a shadow."""

    def __init__(self, frames: int, wants_shadow: WantsShadow = lambda prediction: False) -> None:
        self._frames = frames
        self._wants_shadow = wants_shadow
        self._rooms: dict[int, _Room] = {}
        self._idle = Idle()

    def follow(self, frames: int, wants_shadow: WantsShadow) -> None:
        """Other settings: whoever comes from now on waits for this; who waits goes on waiting for what it wanted."""
        self._frames, self._wants_shadow = frames, wants_shadow

    def add(self, received: Received, scene: Scene) -> None:
        """The next prediction of its partition. One that was added before changes nothing."""
        room = self._entered(received)
        if room is not None:
            room.add(_Waiting(received, scene, self._frames, self._wants_shadow(scene.prediction)))
            room.advance(received.record.offset, received.record.time_ms)

    def meet_shadow(self, received: Received) -> None:
        """What a shadow said of a frame, before or after the live model."""
        room = self._entered(received)
        if room is not None:
            room.meet_shadow(received.message)
            room.advance(received.record.offset, received.record.time_ms)

    def released(self, now_s: float) -> list[tuple[Received, Scene]]:
        """Who need not wait any longer, by partition, in order within each source. The same again until `settle`."""
        self._idle.look(now_s)
        for partition in self._idle.quiet(IDLE_S):
            if partition in self._rooms:
                self._rooms[partition].release_all()
        return [(one.received, one.scene) for room in self._rooms.values() for one in room.released]

    def settle(self) -> None:
        """What was released is through."""
        self._idle.settle()
        for room in self._rooms.values():
            room.released = []

    def oldest(self, partition: int) -> int | None:
        """The lowest offset that is still here, released ones included until they are settled."""
        room = self._rooms.get(partition)
        if room is None:
            return None
        here = [one.received.record.offset for one in (*list(room.waiting)[:1], *room.released)]
        return min(here, default=None)

    def committable(self, partition: Partition, position: int) -> int:
        """At most `position`: not past the oldest that waits."""
        stream, number = partition
        oldest = self.oldest(number) if stream == PREDICTIONS.name else None
        return position if oldest is None else min(oldest, position)

    def forget(self, partitions: set[int]) -> None:
        """These partitions come or go: whoever owns them next is given their frames again."""
        self._idle.forget(partitions)
        for partition in partitions:
            self._rooms.pop(partition, None)

    def _entered(self, received: Received) -> _Room | None:
        """The room of its partition; None where this record was here before."""
        record = received.record
        self._idle.heard(record.partition)
        room = self._rooms.get(record.partition)
        if room is None:
            room = self._rooms[record.partition] = _Room()
        return room if record.offset > room.highest else None
