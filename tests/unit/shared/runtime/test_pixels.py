"""The image of a frame, by value or by reference: what is allowed, what is checked, and how long it is waited for."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.embedded.file_objects import FileObjects
from shared.errors import InvalidMessage, Unavailable
from shared.runtime.clock import SystemClock
from shared.runtime.pixels import FramePixels
from shared.settings import ReferencesConfig
from shared.streams.frames import Frame, decode, new_frame
from shared.streams.references import Reference
from tests.unit.shared.streams.making import frame_record

IMAGE = b"\xff\xd8 pixels"


class JumpingClock(SystemClock):
    """Time passes when somebody waits; `meanwhile` happens then."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.meanwhile: Callable[[], None] = lambda: None

    def now_ms(self) -> int:
        return round(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s

    def wait_s(self, seconds: float) -> None:
        self.now_s += seconds
        self.meanwhile()


@pytest.fixture
def objects(tmp_path: Path) -> FileObjects:
    objects = FileObjects(tmp_path)
    objects.put("cameras", "yard/17.jpg", IMAGE, "image/jpeg")
    return objects


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


def pixels(objects: FileObjects, clock: JumpingClock, **config: Any) -> FramePixels:
    return FramePixels(objects, ReferencesConfig(**{"buckets": ("cameras",), **config}), clock)


def frame(key: str = "yard/17.jpg", bucket: str = "cameras", **changes: Any) -> Frame:
    described = {"size": len(IMAGE), "sha256": hashlib.sha256(IMAGE).hexdigest(), **changes}
    new = new_frame("yard", Reference(uri=f"s3://{bucket}/{key}", **described))
    return decode(frame_record(new.key, new.value, new.headers))


def test_an_image_in_the_log_is_where_it_is(objects: FileObjects, clock: JumpingClock) -> None:
    by_value = decode(frame_record(image=IMAGE))
    assert pixels(objects, clock, buckets=()).image_of(by_value) == IMAGE
    assert pixels(objects, clock, buckets=()).is_there(by_value)


def test_a_reference_leads_to_the_image(objects: FileObjects, clock: JumpingClock) -> None:
    reading = pixels(objects, clock)
    assert reading.image_of(frame()) == reading.image_if_there(frame()) == IMAGE
    assert reading.is_there(frame())
    assert clock.now_s == 100.0


def test_a_bucket_that_is_not_listed_is_never_asked(objects: FileObjects, clock: JumpingClock) -> None:
    objects.put("secrets", "key.pem", IMAGE, "image/jpeg")
    for reading in (pixels(objects, clock), pixels(objects, clock, buckets=())):
        with pytest.raises(InvalidMessage, match=r"bucket secrets is not in the setting references\.buckets"):
            reading.image_of(frame("key.pem", "secrets"))
        assert not reading.is_there(frame("key.pem", "secrets"))


def test_an_image_larger_than_the_settings_allow_is_refused_unread(objects: FileObjects, clock: JumpingClock) -> None:
    with pytest.raises(
        InvalidMessage, match=r"has 2,000 bytes, at most 1,999 are read \(setting references\.max_bytes"
    ):
        pixels(objects, clock, max_bytes=1_999).image_of(frame("not/there", size=2_000))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"size": len(IMAGE) - 1}, f"has more than {len(IMAGE) - 1} bytes"),
        ({"size": len(IMAGE) + 1}, f"expected {len(IMAGE) + 1} bytes, got {len(IMAGE)}"),
        ({"sha256": "0" * 64}, "expected bytes with sha256 0000.*, got"),
    ],
)
def test_other_bytes_than_those_that_were_meant_are_refused(
    objects: FileObjects, clock: JumpingClock, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidMessage, match=says):
        pixels(objects, clock).image_of(frame(**changes))
    assert clock.now_s == 100.0, "expected no wait: other bytes stay other bytes"


def test_an_object_that_comes_a_little_later_is_waited_for(objects: FileObjects, clock: JumpingClock) -> None:
    def put_after_3_s() -> None:
        if clock.now_s >= 103:
            objects.put("cameras", "late.jpg", IMAGE, "image/jpeg")

    clock.meanwhile = put_after_3_s
    assert pixels(objects, clock).image_of(frame("late.jpg")) == IMAGE
    assert 103 <= clock.now_s < 105


def test_an_object_that_never_comes_is_given_up(objects: FileObjects, clock: JumpingClock) -> None:
    with pytest.raises(
        InvalidMessage, match=r"never\.jpg is not there, also not after 4 s \(setting references\.wait_s\)"
    ):
        pixels(objects, clock, wait_s=4).image_of(frame("never.jpg"))
    assert clock.now_s == pytest.approx(104)
    assert pixels(objects, clock).image_if_there(frame("never.jpg")) is None
    assert not pixels(objects, clock).is_there(frame("never.jpg"))


def test_a_batch_waits_once_for_all_of_its_frames(objects: FileObjects, clock: JumpingClock) -> None:
    reading, began_s = pixels(objects, clock), clock.monotonic_s()
    for number in range(20):
        with pytest.raises(InvalidMessage, match="is not there"):
            reading.image_of(frame(f"never-{number}.jpg"), began_s)
    assert clock.now_s == pytest.approx(110)
    assert reading.image_of(frame(), began_s) == IMAGE, "expected a frame that is there to be read however late it is"


def test_a_store_without_the_bucket_is_waited_for_by_the_worker(objects: FileObjects, clock: JumpingClock) -> None:
    with pytest.raises(Unavailable, match="there is no bucket elsewhere"):
        pixels(objects, clock, buckets=("elsewhere",)).image_of(frame(bucket="elsewhere"))


def test_threads_may_share_it(objects: FileObjects, clock: JumpingClock) -> None:
    reading = pixels(objects, clock)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: reading.image_of(frame()), range(64))) == {IMAGE}
