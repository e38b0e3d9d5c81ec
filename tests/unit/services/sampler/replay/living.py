"""A site that has been alive: frames, predictions of them in the log at the test's own times, and a sampler that read them."""

import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.sampler.config import SamplerConfig
from services.sampler.replay.replaying import Asked, Replayed, replay
from services.sampler.replay.span import Span
from services.sampler.service import SamplerService
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.file_objects import FileObjects
from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.bootstrap import OpenBackend
from shared.errors import InvalidMessage
from shared.ports.log import Consumer
from shared.runtime.clock import SystemClock
from shared.runtime.service import Received
from shared.settings import Settings
from shared.streams import STREAMS, frames
from shared.streams.frames import FrameRef, new_frame
from shared.streams.predictions import Detection, Prediction, new_prediction
from shared.streams.record import NewRecord, Record
from tests.unit.services.sampler.making import jpeg

SALT = b"a salt for the tests only, long enough"
BEGAN_MS = 1_795_428_000_000
ALIKE = 3
"""Frames one after the other that show the same picture."""


@dataclass
class Living:
    """`settings` are those in force; `now_ms` is the log's clock."""

    folder: Path
    settings: Settings
    salt: bytes = SALT
    partitions: int = 1
    now_ms: int = BEGAN_MS
    published: int = 0
    handled: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = SegmentLog(self.folder / "log", partitions=self.partitions, now_ms=lambda: self.now_ms)
        self.log.apply()
        self.state, self.images = SqliteState(self.folder / "state.db"), FileImages(self.folder / "images")
        self._producer = self.log.producer()

    def close(self) -> None:
        self.log.close()
        self.state.close()
        self.images.close()

    @property
    def backend(self) -> OpenBackend:
        objects, settings = FileObjects(self.folder / "objects"), self.settings
        return OpenBackend(
            settings.common,
            self.log,
            self.state,
            self.images,
            objects,
            SystemClock(),
            self.salt,
            settings.version,
            settings,
        )

    @property
    def span(self) -> Span:
        return Span(BEGAN_MS, self.now_ms + 1)

    def replay(self, new: Mapping[str, Any] | None = None, only: str | None = None) -> Replayed:
        return replay(self.backend, Asked(self.span, None if new is None else Settings(dict(new)), only))

    def send(self, record: NewRecord) -> Record:
        return self._producer.send(record).result(10)

    def publish(self, many: int, *, step_ms: int = 100, sources: int = 2, gone: bool = False, **more: Any) -> None:
        """So many frames and predictions of them. `gone`: of frames that nobody can read any more."""
        for _ in range(many):
            number = self.published
            self.published += 1
            self.now_ms += step_ms
            partition = number % self.partitions
            ref = _nowhere(number, partition, self.now_ms) if gone else self._frame(number, partition)
            self.send(new_prediction(predicted(number, ref, f"door-{number % sources}", **more)))

    def live(self, most: int = 40, service: SamplerService | None = None) -> SamplerService:
        """A sampler reads all there is, `most` records of a partition at once, publishes and commits."""
        sampler = service or SamplerService(self.settings.read(SamplerConfig), self.backend)
        bounds = self.log.bounds("predictions")
        if service is None:
            sampler.on_assigned(frozenset(("predictions", number) for number in bounds))
        with closing(self.log.reader()) as reader:
            for number, whole in bounds.items():
                for start in range(self.handled.get(number, 0), whole.end, most):
                    records = reader.scan("predictions", number, start, min(whole.end, start + most))
                    self._handle(sampler, [received for record in records for received in _received(record)])
                self.handled[number] = whole.end
        self._commit()
        return sampler

    def _handle(self, sampler: SamplerService, batch: list[Received]) -> None:
        for output in sampler.handle(batch).outputs:
            self.send(output)
        sampler.confirmed()

    def _commit(self) -> None:
        with closing(self.log.consumer("sampler", ["predictions"])) as consumer:
            _until_assigned(consumer, self.partitions)
            consumer.commit({("predictions", number): offset for number, offset in self.handled.items()})

    def _frame(self, number: int, partition: int) -> FrameRef:
        new = new_frame(
            f"door-{number}", jpeg(number // ALIKE), producer_frame_id=f"frame-{number}", frame_index=number
        )
        record = self.send(NewRecord(new.stream, new.key, new.value, partition, new.headers))
        return frames.decode(record).ref


def predicted(number: int, ref: FrameRef, source_id: str, **more: Any) -> Prediction:
    """One or two boxes that move slowly, sure or not as chance has it."""
    chance = random.Random(number)
    fields: dict[str, Any] = {
        "frame": ref,
        "source_id": source_id,
        "producer_frame_id": f"frame-{number}",
        "frame_index": number,
        "width_px": 640,
        "height_px": 360,
        "model_id": "packages",
        "model_version": "v1",
        "threshold": 0.5,
        "detections": tuple(_box(number, place, chance) for place in range(chance.randrange(3))),
    }
    return Prediction(**{**fields, **more})


def _box(number: int, place: int, chance: random.Random) -> Detection:
    left = 20.0 + 200 * place + number % 40
    name = ("package", "person")[place]
    return Detection(box=(left, 60, left + 80, 160), class_id=place, class_name=name, confidence=chance.random())


def _nowhere(number: int, partition: int, time_ms: int) -> FrameRef:
    return FrameRef(
        stream="frames",
        partition=partition,
        offset=10**6 + number,
        time_ms=time_ms,
        frame_id=f"{number:032x}",
        sha256="0" * 64,
        size=1000,
    )


def _received(record: Record) -> Iterator[Received]:
    try:
        yield Received(record, STREAMS[record.stream].decode(record))
    except InvalidMessage:
        return


def _until_assigned(consumer: Consumer, partitions: int) -> None:
    for _ in range(200):
        if len(consumer.assignment()) == partitions:
            return
        consumer.poll(0.05, 1)
    raise AssertionError(f"no {partitions} partitions after 10 s")


def everything(folder: Path) -> dict[str, Any]:
    """All that a site holds: the rows of its databases, the bytes of its files."""
    return {
        str(path.relative_to(folder)): _rows(path) if path.suffix == ".db" else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def _rows(file: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(file)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, database.execute(f"SELECT * FROM {name}"))) for name in names}
