"""What may not be read holds up nobody, whatever it says of its size; what is awaited is bounded, and let go at the end."""

import hashlib
import time
from concurrent.futures import Future
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest

from services.inference.fetching import MOST_BYTES, Fetcher
from shared.adapters.embedded.file_objects import FileObjects
from shared.errors import InvalidMessage
from shared.runtime.clock import SystemClock
from shared.runtime.pixels import FramePixels
from shared.settings import ReferencesConfig
from shared.streams.frames import FRAMES, Frame
from shared.streams.record import Record
from shared.streams.references import Reference

IMAGE = b"\xff\xd8\xff of a yard \xff\xd9"
HELD = MOST_BYTES - 1000


def frame(bucket: str, size: int = len(IMAGE), key: str = "1.jpg") -> Frame:
    reference = Reference(uri=f"s3://{bucket}/{key}", size=size, sha256=hashlib.sha256(IMAGE).hexdigest())
    record = Record(FRAMES.name, 0, 1, 1_700_000_000_000, b"gate", reference.to_bytes(), ())
    decoded: Frame = FRAMES.decode(record)
    return decoded


def fetcher(folder: Path, **references: Any) -> Fetcher:
    objects = FileObjects(folder / "objects")
    objects.put("yard", "1.jpg", IMAGE, "image/jpeg")
    config = ReferencesConfig(buckets=("yard",), **{"wait_s": 0, "max_bytes": 268_435_456, **references})
    return Fetcher(FramePixels(objects, config, SystemClock()))


class Lanes:
    """Where images go: each is kept until somebody says that it was seen."""

    def __init__(self) -> None:
        self.waiting: list[Future[Any]] = []
        self.arrived = Semaphore(0)

    def submit(self, image: bytes, future: "Future[Any]") -> None:
        future.set_running_or_notify_cancel()
        self.waiting.append(future)
        self.arrived.release()


def test_a_bucket_that_is_not_listed_is_refused_before_its_size_is_reserved(tmp_path: Path) -> None:
    """Memory is taken by an image that is not predicted yet: whoever waits for memory, waits."""
    fetching = fetcher(tmp_path)
    assert fetching._held.take(HELD)
    why = fetching.fetch(frame("elsewhere", 268_435_456), time.monotonic(), Lanes().submit).exception(timeout=10)
    fetching.close()
    assert isinstance(why, InvalidMessage)
    assert "references.buckets" in str(why)


def test_what_the_settings_find_too_large_is_refused_before_its_size_is_reserved(tmp_path: Path) -> None:
    fetching = fetcher(tmp_path, max_bytes=1000)
    assert fetching._held.take(HELD)
    why = fetching.fetch(frame("yard", 268_435_456), time.monotonic(), Lanes().submit).exception(timeout=10)
    fetching.close()
    assert "references.max_bytes" in str(why)


@pytest.mark.parametrize("size", [1, len(IMAGE) - 1, len(IMAGE) + 1])
def test_another_size_than_was_said_is_refused(tmp_path: Path, size: int) -> None:
    fetching = fetcher(tmp_path)
    why = fetching.fetch(frame("yard", size), time.monotonic(), Lanes().submit).exception(timeout=10)
    fetching.close()
    assert isinstance(why, InvalidMessage)


def test_no_bytes_are_refused(tmp_path: Path) -> None:
    FileObjects(tmp_path / "objects").put("yard", "1.jpg", b"", "image/jpeg")
    objects = FileObjects(tmp_path / "objects")
    config = ReferencesConfig(buckets=("yard",), wait_s=0)
    fetching = Fetcher(FramePixels(objects, config, SystemClock()))
    why = fetching.fetch(frame("yard"), time.monotonic(), Lanes().submit).exception(timeout=10)
    fetching.close()
    assert "expected" in str(why)


def test_memory_comes_back_with_each_image_that_is_refused_or_seen(tmp_path: Path) -> None:
    fetching, lanes = fetcher(tmp_path), Lanes()
    futures = [fetching.fetch(frame("yard"), time.monotonic(), lanes.submit) for _ in range(3)]
    futures.append(fetching.fetch(frame("yard", 5), time.monotonic(), lanes.submit))
    assert isinstance(futures[3].exception(timeout=10), InvalidMessage)
    assert all(lanes.arrived.acquire(timeout=10) for _ in range(3))
    for future in lanes.waiting:
        future.set_result(None)
    held = fetching._held
    with held._changed:
        assert held._changed.wait_for(lambda: held._bytes == 0, timeout=10)
    fetching.close()


def test_the_end_does_not_wait_for_an_object_that_never_comes(tmp_path: Path) -> None:
    fetching, started_s = fetcher(tmp_path, wait_s=60), time.monotonic()
    for _ in range(12):
        fetching.fetch(frame("yard", key="never.jpg"), started_s, Lanes().submit)
    fetching.close()
    assert time.monotonic() - started_s < 10


def test_nobody_waits_for_an_object_of_a_frame_that_is_somebody_elses_now(tmp_path: Path) -> None:
    """Those that were taken away keep no thread from those that came."""
    fetching, lanes = fetcher(tmp_path, wait_s=60), Lanes()
    for _ in range(12):
        fetching.fetch(frame("yard", key="never.jpg"), time.monotonic(), lanes.submit).cancel()
    fetching.fetch(frame("yard"), time.monotonic(), lanes.submit)
    assert lanes.arrived.acquire(timeout=10)
    fetching.close()
