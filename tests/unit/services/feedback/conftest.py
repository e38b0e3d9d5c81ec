"""A site on the embedded adapters in a temporary folder: frames and predictions in, and a clock that can jump."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.feedback.api import create_app
from services.feedback.config import FeedbackConfig
from services.feedback.desk import Desk, opened
from services.feedback.service import Feedback
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.file_objects import FileObjects
from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.ports import Undecided
from shared.runtime.clock import SystemClock
from shared.runtime.pixels import FramePixels
from shared.settings import ReferencesConfig
from shared.streams import ids
from shared.streams.frames import FRAMES, FrameRef, decode, new_frame
from shared.streams.keys import memo_key
from shared.streams.predictions import Detection, Prediction, new_prediction
from shared.streams.record import NewRecord, Record
from shared.streams.references import Reference
from shared.streams.verdicts import VERDICTS, Shown, Verdict

HOUR_S = 3600


class Site:
    """One box with two partitions. `now_ms` is what its log believes the time to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.now_ms = self.clock.now_ms()
        self.log = self.open_log()
        self.log.apply()
        self.state = SqliteState(folder / "state.db")
        self.objects = FileObjects(folder / "objects")
        self.pixels = FramePixels(self.objects, ReferencesConfig(buckets=("cameras",)), self.clock)
        self.images = FileImages(folder / "images")
        self.salt = b"a salt of at least sixteen bytes"
        self.producer = self.log.producer()

    def open_log(self) -> SegmentLog:
        return SegmentLog(self.folder / "log", partitions=2, now_ms=lambda: self.now_ms)

    def send(self, record: NewRecord) -> Record:
        return self.producer.send(record).result(timeout=10)

    def frame(self, image: bytes | Reference = b"\xff\xd8 pixels", source_id: str = "secret-door") -> FrameRef:
        return decode(self.send(new_frame(source_id, image))).ref

    def prediction(self, ref: FrameRef | None = None, **changes: Any) -> tuple[str, Prediction]:
        """The id and the message of a new prediction with two detections."""
        fields: dict[str, Any] = {
            "frame": ref or self.frame(),
            "source_id": "secret-door",
            "width_px": 640,
            "height_px": 480,
            "model_id": "packages",
            "model_version": "1",
            "threshold": 0.5,
            "detections": (
                Detection(box=(10, 10, 90, 90), class_id=0, class_name="package", confidence=0.9),
                Detection(box=(100, 10, 190, 90), class_id=0, class_name="package", confidence=0.3),
            ),
        }
        prediction = Prediction(**{**fields, **changes})
        record = self.send(new_prediction(prediction))
        return ids.prediction_id(record.partition, record.offset, prediction.frame.frame_id), prediction

    def later(self, seconds: int) -> None:
        """Lets that time pass and the log's retention do its work."""
        self.now_ms += seconds * 1000
        other = self.open_log()
        producer = other.producer()
        producer.send(NewRecord(FRAMES.name, b"x", b"a sweep follows", 1)).result(timeout=10)
        producer.close()
        other.close()

    def remember(self, prediction: Prediction, collection: str = "default") -> None:
        """As the sampler does for a frame that it drew."""
        key = memo_key(collection, ids.sample_id(collection, prediction.frame.frame_id, prediction.model_id))
        self.state.decide([Undecided(key, b"kept", ttl_s=60)])

    def forget_keys(self) -> None:
        """As the state store does with idempotency keys after a day, or when it is lost."""
        with closing(sqlite3.connect(self.folder / "state.db")) as db, db:
            ended = [
                db.execute("DELETE FROM entries WHERE key LIKE 'idem%'"),  # of verdicts and exposures
                db.execute("UPDATE hashes SET expires_s = 0 WHERE key LIKE 'pub:%'"),  # of frames
            ]
            assert any(one.rowcount for one in ended)

    def verdicts(self) -> list[Verdict]:
        return [one for one in self.judged() if isinstance(one, Verdict)]

    def judged(self) -> list[Verdict | Shown]:
        reader = self.log.reader()
        found = [
            VERDICTS.decode(record)
            for partition, bounds in self.log.bounds(VERDICTS.name).items()
            for record in reader.scan(VERDICTS.name, partition, bounds.start, bounds.end)
        ]
        reader.close()
        return found

    def close(self) -> None:
        self.log.close()
        self.state.close()
        self.images.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def desk_for(site: Site) -> Iterator[Callable[..., Desk]]:
    """A desk with these options; closed at the end of the test."""
    with ExitStack() as stack:

        def make(collections: dict[str, Any] | None = None, **options: Any) -> Desk:
            own = {"timeout_s": 5.0, "folder": site.folder / "feedback", **options}
            config = FeedbackConfig.model_validate({"feedback": own, "collections": collections or {}})
            return stack.enter_context(opened(config, site))

        yield make


@pytest.fixture
def feedback(desk_for: Callable[..., Desk]) -> Feedback:
    return desk_for().feedback


@pytest.fixture
def client_for(desk_for: Callable[..., Desk]) -> Callable[..., TestClient]:
    """A client of the application with these options."""

    def make(**options: Any) -> TestClient:
        return TestClient(create_app(desk_for(**options)), raise_server_exceptions=False)

    return make


@pytest.fixture
def client(client_for: Callable[..., TestClient]) -> TestClient:
    return client_for()
