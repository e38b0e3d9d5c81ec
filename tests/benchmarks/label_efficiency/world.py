"""A stream in a real embedded log, and real samplers on it, one per arm.

Promises: a frame is an encoded image (PNG) in the log; log time is the stream's own, ten frames a second, whatever the
machine's clock says. A sampler is `SamplerService` on the embedded adapters; what it draws it reads back from the log.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2

from services.sampler.config import SamplerConfig
from services.sampler.pacing import Pace
from services.sampler.service import SamplerService
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.file_objects import FileObjects
from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.bootstrap import OpenBackend
from shared.runtime.service import Received
from shared.settings import Settings
from shared.streams import PREDICTIONS, predictions, samples
from shared.streams import frames as frame_stream
from shared.streams.frames import Frame, new_frame
from shared.streams.predictions import Prediction
from shared.streams.record import NewRecord, Record
from shared.streams.samples import Design
from tests.benchmarks.label_efficiency.arms import Arm
from tests.benchmarks.label_efficiency.stream import Stream

BEGAN_MS = 1_790_000_040_000
"""A full minute, so that rounds are the minutes of limits."""
SOURCE = "belt"
STORED_WITHIN_S = 60.0


class StreamClock:
    """The clock of the log and of the samplers: it stands until somebody moves it. Waiting takes no time."""

    def __init__(self) -> None:
        self.ms = BEGAN_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1000

    def wait_s(self, seconds: float) -> None:
        """Nobody waits for the machine: it is as fast as the camera."""


@dataclass(frozen=True, slots=True)
class World:
    """`frames`: as the log holds them, in the stream's order."""

    folder: Path
    log: SegmentLog
    frames: list[Frame]
    clock: StreamClock

    @contextmanager
    def sampler(self, arm: Arm, seed: int) -> Iterator["Chooser"]:
        """A sampler of its own, with its own state store and image buffer. It begins with the stream."""
        self.clock.ms = BEGAN_MS
        folder = self.folder / arm.name
        state, images = SqliteState(folder / "state.db"), FileImages(folder / "images")
        objects = FileObjects(folder / "objects")
        settings = Settings({"timezone": "UTC", **arm.settings})
        backend = OpenBackend(
            common=settings.common,
            log=self.log,
            state=state,
            images=images,
            objects=objects,
            clock=self.clock,
            salt=f"label efficiency, seed {seed}, {arm.name}".encode(),
            settings_version=settings.version,
            settings=settings,
        )
        service = SamplerService(settings.read(SamplerConfig), backend)
        try:
            yield Chooser(service, self.clock)
        finally:
            service.close()
            for port in (state, images, objects):
                port.close()
            shutil.rmtree(folder)


class Chooser:
    """One arm's sampler, fed as the worker feeds it."""

    def __init__(self, service: SamplerService, clock: StreamClock) -> None:
        self._service = service
        self._clock = clock
        self._offset = 0
        _pace(service, clock)
        service.on_assigned(frozenset({(PREDICTIONS.name, 0)}))

    def choose(self, predicted: Sequence[Prediction]) -> list[str]:
        """The ids of the frames that it kept, with their image, in the order of their samples. A batch a second, as live."""
        received = [self._received(prediction) for prediction in predicted]
        seconds = groupby(received, key=lambda one: one.message.frame.time_ms)
        return [frame_id for time_ms, batch in seconds for frame_id in self._kept(time_ms, list(batch))]

    def _kept(self, time_ms: int, batch: Sequence[Received]) -> Iterator[str]:
        self._clock.ms = time_ms
        handled = self._service.handle(batch)
        self._service.confirmed()
        for number, new in enumerate(handled.outputs):
            sample = samples.decode(_record(new, number, time_ms)) if new.stream == samples.SAMPLES.name else None
            if isinstance(sample, Design) and sample.image is not None:
                yield sample.prediction.frame.frame_id

    def _received(self, prediction: Prediction) -> Received:
        """As the log would hand it out: through JSON, and with an offset of its own."""
        record = _record(predictions.new_prediction(prediction), self._offset, prediction.frame.time_ms)
        self._offset += 1
        return Received(record, predictions.decode(record))


def _pace(service: SamplerService, clock: StreamClock) -> None:
    """A plan for every epoch, as live: by the machine's clock, the sampler would be catching up."""
    for collection in service.rules.collections:
        if collection.planner is not None:
            pace = Pace(clock.monotonic_s, clock.wait_s)
            collection.planner._pace = collection.planner._factors._pace = pace


@contextmanager
def world(stream: Stream, folder: Path) -> Iterator[World]:
    """The stream's frames in a log; the folder is empty again afterwards."""
    clock = StreamClock()
    log = SegmentLog(folder / "log", now_ms=clock.now_ms)
    log.apply()
    try:
        yield World(folder, log, _published(stream, log, clock), clock)
    finally:
        log.close()
        shutil.rmtree(folder)


def _published(stream: Stream, log: SegmentLog, clock: StreamClock) -> list[Frame]:
    """A second of frames at a time: what is appended together has one log time."""
    producer = log.producer()
    frames: list[Frame] = []
    a_second = stream.plan.frames_a_second
    try:
        for first in range(0, len(stream.pictures), a_second):
            clock.ms = BEGAN_MS + 1000 * (first // a_second)
            sent = [producer.send(_frame(stream, first + i)) for i in range(a_second)]
            frames += [frame_stream.decode(future.result(STORED_WITHIN_S)) for future in sent]
    finally:
        producer.close()
    return frames


def _frame(stream: Stream, number: int) -> NewRecord:
    fine, encoded = cv2.imencode(".png", stream.pictures[number])
    if not fine:
        raise ValueError(f"frame {number} could not be encoded as PNG")
    return new_frame(SOURCE, encoded.tobytes(), producer_frame_id=f"frame-{number}", frame_index=number)


def _record(new: NewRecord, offset: int, time_ms: int) -> Record:
    return Record(new.stream, new.partition or 0, offset, time_ms, new.key, new.value)
