"""A box on the embedded adapters whose log believes any time that it is told: frames in, a real sampler, a real feedback.

Promises: `kill_sampler` and `kill_feedback` leave everything where it was at that step; what comes next is another process's
work. Log times are the simulation's, so that an outage of hours costs nothing.
"""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from services.feedback.config import FeedbackConfig
from services.feedback.desk import Desk, opened
from services.sampler.config import SamplerConfig
from services.sampler.service import SamplerService
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.file_objects import FileObjects
from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.bootstrap import OpenBackend
from shared.runtime.clock import SystemClock
from shared.runtime.lifecycle import Stop
from shared.runtime.worker import Worker
from shared.settings import Common
from shared.streams import frames, ids
from shared.streams.frames import FrameRef
from shared.streams.predictions import PREDICTIONS, Prediction, new_prediction
from shared.streams.record import NewRecord, Record
from shared.streams.samples import SAMPLES, Design
from shared.streams.samples import decode as sample_of
from shared.streams.verdicts import VERDICTS
from tests.e2e.honest.truth import HEIGHT_PX, THRESHOLD, WIDTH_PX, Seen

START_MS = 1_764_612_000_000  # 2025-12-01T18:00Z
PARTITIONS = 2
Step = Literal["handle", "confirm"]
"""Of `shared.runtime.worker`: decided and kept, but not told; or told, and not committed."""
EXCLUDED = "mallory"
WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A published frame with its prediction and its truth."""

    seen: Seen
    ref: FrameRef
    prediction_id: str
    prediction: Prediction


@dataclass
class Site:
    folder: Path
    sampler_settings: dict[str, Any]
    salt: bytes
    now_ms: int = START_MS
    frames: list[Frame] = field(default_factory=list)
    _desk: Desk | None = None
    _worker: Worker | None = None

    def __post_init__(self) -> None:
        self.log = self._open_log()
        self.log.apply()
        self.state, self.images = SqliteState(self.folder / "state.db"), FileImages(self.folder / "images")
        common, objects = Common(), FileObjects(self.folder / "objects")
        self.backend = OpenBackend(common, self.log, self.state, self.images, objects, SystemClock(), self.salt, "test")
        self.producer = self.log.producer()
        self._closing_desk = ExitStack()

    def close(self) -> None:
        self.kill_feedback()
        self.kill_sampler()
        self.producer.close()
        self.log.close()
        self.state.close()
        self.images.close()

    def _open_log(self) -> SegmentLog:
        return SegmentLog(self.folder / "log", partitions=PARTITIONS, now_ms=lambda: self.now_ms)

    def send(self, records: Sequence[NewRecord]) -> list[Record]:
        return [sent.result(timeout=WAIT_S) for sent in [self.producer.send(record) for record in records]]

    # Cameras and model

    def publish(self, seen: Sequence[Seen], every_ms: int, together: int = 10) -> list[Frame]:
        """So many frames share a log time: a camera's buffer, and a tenth of the waiting."""
        published: list[Frame] = []
        for at in range(0, len(seen), together):
            some = seen[at : at + together]
            self.now_ms += every_ms * len(some)
            first = len(self.frames) + len(published)
            published += self._predict(some, self.send([_frame(one, first + i) for i, one in enumerate(some)]), first)
        self.frames += published
        return published

    def _predict(self, seen: Sequence[Seen], records: Sequence[Record], first: int) -> list[Frame]:
        refs = [frames.decode(record).ref for record in records]
        said = [_prediction(one, ref, first + i) for i, (one, ref) in enumerate(zip(seen, refs, strict=True))]
        stored = self.send([new_prediction(one) for one in said])
        named = [ids.prediction_id(at.partition, at.offset, ref.frame_id) for at, ref in zip(stored, refs, strict=True)]
        return [Frame(*four) for four in zip(seen, refs, named, said, strict=True)]

    def predict_again(self, again: Sequence[Frame]) -> None:
        """Inference crashed between sending and committing."""
        self.send([new_prediction(one.prediction) for one in again])

    def outage(self, hours: float) -> None:
        """Time passes; what is older than `frames` keeps is gone. The next opening of the log sweeps at once."""
        self.now_ms += round(hours * 3_600_000)
        other = self._open_log()
        producer = other.producer()
        self.now_ms += 1_000
        producer.send(NewRecord(VERDICTS.name + ".dlq", b"tick", b"a sweep follows", 0)).result(timeout=WAIT_S)
        producer.close()
        other.close()

    # The sampler

    def sample(self) -> None:
        """Until all is read."""
        worker = self._worker or self._start_sampler()
        while self._is_behind():
            worker.step()

    def kill_sampler(self, after: Step | None = None) -> None:
        """Dies between two batches, or in one, after this step: what it had polled goes to the next one that starts."""
        worker = self._worker or self._start_sampler()
        if after is not None:
            self._half_a_batch(worker, after)
        self._worker = None
        worker.close()

    def _half_a_batch(self, worker: Worker, after: Step) -> None:
        records: Sequence[Record] = ()
        while not records and self._is_behind():
            records = worker.poll()
        dead = worker.decode(records)
        handled = worker.handle()
        if after == "confirm":
            worker.confirm(worker.publish([*handled.outputs, *dead]))

    def _start_sampler(self) -> Worker:
        config = SamplerConfig.model_validate({"destinations": (), **self.sampler_settings})
        self._worker = Worker(SamplerService(config, self.backend), self.log, Stop())
        return self._worker

    def _is_behind(self) -> bool:
        return any(
            self.log.committed("sampler", stream).get(number, 0) < bounds.end
            for stream in (PREDICTIONS.name, VERDICTS.name)
            for number, bounds in self.log.bounds(stream).items()
        )

    # Feedback

    @property
    def desk(self) -> Desk:
        """Open, and with everything in its read model."""
        if self._desk is None:
            config = FeedbackConfig.model_validate(
                {"feedback": {"folder": self.folder / "feedback", "accuracy": {"exclude_reviewers": (EXCLUDED,)}}}
            )
            self._desk = self._closing_desk.enter_context(opened(config, self.backend))
        assert self._desk.model.caught_up(WAIT_S)
        return self._desk

    def kill_feedback(self, forget: bool = False) -> None:
        """The next one goes on, or (`forget`) finds no read model and builds it anew."""
        self._closing_desk.close()
        self._desk = None
        if forget:
            shutil.rmtree(self.folder / "feedback")

    # What the log has

    def designs(self) -> dict[str, list[bytes]]:
        """Per sample id, the bytes of each of its designs, in the order of the log."""
        found: dict[str, list[bytes]] = defaultdict(list)
        reader = self.log.reader()
        for number, bounds in self.log.bounds(SAMPLES.name).items():
            for record in reader.scan(SAMPLES.name, number, bounds.start, bounds.end):
                sample = sample_of(record)
                if isinstance(sample, Design):
                    found[sample.sample_id].append(record.value or b"")
        reader.close()
        return dict(found)


def _frame(seen: Seen, number: int) -> NewRecord:
    return frames.new_frame(seen.source_id, jpeg(seen.picture), producer_frame_id=f"frame-{number}", frame_index=number)


@lru_cache(maxsize=64)
def jpeg(picture: int) -> bytes:
    pixels = np.random.default_rng(picture).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    fine, encoded = cv2.imencode(".jpg", pixels)
    assert fine
    return encoded.tobytes()


def _prediction(seen: Seen, ref: FrameRef, number: int) -> Prediction:
    return Prediction(
        frame=ref,
        source_id=seen.source_id,
        frame_index=number,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        model_id="parcels",
        model_version="1",
        threshold=THRESHOLD,
        detections=seen.detections,
    )
