"""Frames in, a prediction for each out, in the frames' order; what is no image becomes a dead letter.

Promises: frames stay in flight across batches, so that no lane waits for another at a batch's end; how many is bounded.
Nothing is handed out before whatever came before it in its partition. The same frames give the same predictions, timings
apart. A version that another one replaced finishes the frames that it began.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Protocol

from services.inference.batching import Seen
from services.inference.config import InferenceConfig
from services.inference.fetching import Fetcher
from services.inference.fitting import record_of
from services.inference.flight import Flight, Flown
from services.inference.lateness import Lateness
from services.inference.none import NoModel
from services.inference.plan import Plan
from services.inference.predicting import Known, prediction_of
from services.inference.swapping import Swapper
from shared.errors import InvalidMessage, Unavailable
from shared.runtime.pixels import FramePixels
from shared.runtime.service import Handled, Received, Service
from shared.streams.frames import FRAMES, Frame
from shared.streams.record import Partition

MOST_BYTES_LEFT = 32_000_000
"""Encoded images of the log that stay in flight while the next batch is read; the fetcher bounds what it fetches."""
IDLE_POLL_S, BUSY_POLL_S = 0.5, 0.002
"""Waiting for new frames with nothing in flight, and with something."""
LOOK_S, PATIENT_S = 0.02, 0.25
"""Waiting for a lane, in turns with the above: while a new frame could begin at once, and while it could not."""


class SeesIn(Protocol):
    """Lanes, as far as a service needs them."""

    def submit(self, image: bytes, future: "Future[Seen] | None" = None) -> "Future[Seen]": ...
    def close(self) -> None: ...


class Version(Protocol):
    """A model that is ready, and the lanes in which it runs."""

    @property
    def model(self) -> Known: ...
    @property
    def lanes(self) -> SeesIn: ...


class Versions(Protocol):
    """Which model predicts from now on; None while there is none, and why."""

    @property
    def why(self) -> str: ...
    def current(self) -> Version | None: ...
    def close(self) -> None: ...


class InferenceService(Service):
    """frames → predictions. Raises SettingsError when the model cannot work."""

    name = "inference"
    reads = (FRAMES.name,)

    def __init__(
        self, config: InferenceConfig, pixels: FramePixels | None = None, versions: Versions | None = None
    ) -> None:
        """`pixels`: how frames are read that are references; without it there may be none of them."""
        self.max_records = config.inference.max_records
        plan = Plan.of(config.inference)
        self._versions: Versions = versions or _versions(config)
        self._fetcher = Fetcher(pixels) if pixels is not None else None
        self._late = Lateness(config.inference.max_age_s)
        self._flight: Flight[Seen, Version] = Flight(max(plan.in_work, self.max_records), MOST_BYTES_LEFT)
        self._saturated = plan.in_work
        self._version: Version | None = None
        self._replaced: list[Version] = []
        if config.model is not None:
            plan.say()

    def poll_timeout_s(self) -> float:
        return BUSY_POLL_S if len(self._flight) else IDLE_POLL_S

    def handle(self, batch: Sequence[Received]) -> Handled:
        """What is finished, of this batch or of those before. Takes none of the batch when it raises Unavailable."""
        version = self._current()
        self._flight.make_room()
        ours = [
            one for one in batch if self.predicts(one.message) and not self._late.skips(one.record.source, one.message)
        ]
        for one in ours:
            self._flight.add(one, len(one.message.image), version, partial(self._begin, version, one.message))
        if not batch:
            self._flight.wait(LOOK_S if len(self._flight) < self._saturated else PATIENT_S)
        handled = _handled(self._flight.handed_out())
        handled.records = len(batch) - len(ours) + len(handled.outputs) + len(handled.dead)
        self._close_replaced()
        return handled

    def predicts(self, frame: Frame) -> bool:
        """Whether the frame is ours: a producer may predict its own."""
        return frame.predicted_by is None

    def committable(self, partition: Partition, position: int) -> int:
        oldest = self._flight.oldest(partition)
        return position if oldest is None else min(oldest, position)

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        self._forget(partitions)

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        self._forget(partitions)

    def close(self) -> None:
        """What is in flight stays uncommitted: whoever owns the partition next gets it again."""
        if self._fetcher is not None:
            self._fetcher.close()
        for version in self._replaced:
            version.lanes.close()
        if self._version is not None:  # it is the swapper's no longer, where another one took its place just now
            self._version.lanes.close()
        self._versions.close()

    def _forget(self, partitions: frozenset[Partition]) -> None:
        self._flight.drop(partitions)
        self._late.forget(partitions)

    def _current(self) -> Version:
        """New frames go to the newest version. Raises Unavailable while there is none."""
        version = self._versions.current()
        if version is None:
            raise Unavailable("model store", self._versions.why)
        if self._version is not None and version is not self._version:
            self._replaced.append(self._version)
        self._version = version
        return version

    def _begin(self, version: Version, frame: Frame) -> "Future[Seen]":
        if frame.reference is None:
            return version.lanes.submit(frame.image)
        assert self._fetcher is not None, "frames that are references need `pixels`: services.inference.opening"
        return self._fetcher.fetch(frame, time.monotonic(), version.lanes.submit)

    def _close_replaced(self) -> None:
        """A version's lanes end with its last frame."""
        for version in list(self._replaced):
            if not any(frame.by is version for frame in self._flight):
                version.lanes.close()
                self._replaced.remove(version)


def _versions(config: InferenceConfig) -> Versions:
    return NoModel() if config.model is None else Swapper(config.model, config.inference)


def _handled(finished: "Sequence[Flown[Seen, Version]]") -> Handled:
    handled = Handled()
    for one in finished:
        try:
            seen = one.future.result()
        except InvalidMessage as refusal:
            handled.dead.append((one.received.record, refusal))
        else:
            handled.outputs.append(record_of(prediction_of(one.by.model, one.received.message, seen)))
    return handled
