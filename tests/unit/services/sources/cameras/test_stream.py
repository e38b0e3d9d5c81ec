import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.sources.cameras.faults import CameraFault
from services.sources.cameras.stream import Stream, Taken, open_stream
from services.sources.config import CameraOptions
from shared import imaging
from tests.cameras import Fault, Spec, cameras, read_number, serving
from tests.cameras.images import image
from tests.hosts.server import Quiet
from tests.hosts.server import serving as hosted
from tests.unit.services.sources.cameras.conftest import MakeClip


def options(url: object, **more: object) -> CameraOptions:
    quick = {"fps": 10, "open_timeout_s": 5, "read_timeout_s": 2, "silent_s": 2}
    return CameraOptions.model_validate({"url": str(url), **quick, **more})


def some(stream: Stream, count: int) -> list[Taken]:
    return list(itertools.islice(stream.pictures(), count))


def grey(taken: Taken) -> int:
    """Of the lower right pixel."""
    return int(imaging.decode(taken.image)[-4, -4].mean())


def test_mjpeg_is_published_as_it_came() -> None:
    with cameras(kind="mjpeg", fps=10) as world, open_stream(options(world["cam-00"].url)) as stream:
        taken = some(stream, 5)
        for one in taken:
            number = read_number(one.image)
            assert one.image == image(world["cam-00"].spec, number, 160, 120, None)
    assert (stream.facts.codec, stream.facts.width_px, stream.facts.height_px) == ("mjpeg", 160, 120)


@pytest.mark.parametrize("boundary", ["picture", "--picture"])
@pytest.mark.parametrize("content_length", [True, False])
def test_mjpeg_however_its_parts_are_marked(boundary: str, content_length: bool) -> None:
    with (
        cameras(kind="mjpeg", boundary=boundary, content_length=content_length) as world,
        open_stream(options(world["cam-00"].url)) as stream,
    ):
        numbers = [read_number(one.image) for one in some(stream, 4)]
    assert numbers == sorted(set(numbers))
    assert stream.tally.refused == 0


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("named", [True, False])
def test_a_snapshot_goes_as_it_came(suffix: str, named: bool) -> None:
    image = cv2.imencode(suffix, np.full((48, 64, 3), 90, np.uint8))[1].tobytes()

    class Snapshot(Quiet):
        def do_GET(self) -> None:
            self.answer(200, image, f"image/{suffix[1:].replace('jpg', 'jpeg')}")

    with hosted(Snapshot) as url, open_stream(options(f"{url}/snapshot{suffix if named else ''}")) as stream:
        taken = some(stream, 3)
    assert [one.image for one in taken] == [image] * 3
    assert (taken[0].width_px, taken[0].height_px) == (64, 48)


def test_a_snapshot_is_fetched_for_each_picture() -> None:
    with cameras(kind="snapshot") as world:
        began_s = time.monotonic()
        with open_stream(options(world["cam-00"].url, fps=5)) as stream:
            taken = some(stream, 4)
        assert time.monotonic() - began_s >= 0.5
        assert stream.facts.snapshot
        assert world["cam-00"].connections == 4
    assert all(imaging.sniff(one.image) == imaging.JPEG for one in taken)


@pytest.mark.parametrize("kind", ["rtsp-h264", "rtsp-jpeg", "hls"])
def test_video_is_read_in_order_and_on_time(kind: str) -> None:
    spec = Spec("door", kind, fps=10, gop=5)  # type: ignore[arg-type]
    with serving([spec]) as world, open_stream(options(world["door"].url, fps=5, read_timeout_s=5)) as stream:
        taken = some(stream, 6)
        now_s = time.time()
    numbers = [read_number(one.image) for one in taken]
    assert numbers == sorted(set(numbers))
    assert all(now_s - 10 <= one.captured_s <= now_s for one in taken)
    times_s = [one.captured_s for one in taken]
    assert times_s == sorted(times_s)


def test_a_file_is_played_at_its_own_pace_and_ends(make_clip: MakeClip) -> None:
    began_s = time.monotonic()
    with open_stream(options(make_clip(pictures=25), fps=5)) as stream:
        taken = list(stream.pictures())
    assert 0.7 <= time.monotonic() - began_s <= 3
    assert len(taken) == 5
    assert stream.facts.recorded
    assert stream.facts.native_fps == 25
    assert [grey(one) for one in taken] == sorted(grey(one) for one in taken)


def test_a_file_that_loops_begins_again(make_clip: MakeClip) -> None:
    with open_stream(options(make_clip(pictures=10), fps=25, loop=True)) as stream:
        taken = some(stream, 24)
    shades = [grey(one) for one in taken]
    assert sum(later < earlier for earlier, later in itertools.pairwise(shades)) == 2
    times_s = [one.captured_s for one in taken]
    assert times_s == sorted(set(times_s))


def test_key_frames_alone_are_decoded_where_they_come_often_enough(make_clip: MakeClip) -> None:
    with open_stream(options(make_clip(pictures=60, gop=5), fps=4)) as stream:
        taken = list(stream.pictures())
    assert stream.facts.keyframe_every_s == pytest.approx(0.2)
    assert len(taken) == pytest.approx(10, abs=1)
    later = [one for one in taken if grey(one) > 4 * 25]
    assert all(round(grey(one) / 4) % 5 in (0, 4, 1) for one in later), "past what is learnt from, only key frames"


def test_where_each_picture_is_a_key_frame_those_in_between_are_left_out(make_clip: MakeClip) -> None:
    with open_stream(options(make_clip(pictures=50, gop=1), fps=5)) as stream:
        taken = list(stream.pictures())
    assert len(taken) == 10
    assert [grey(one) for one in taken] == pytest.approx([4 * 5 * number for number in range(10)], abs=6)


def test_decode_keyframes_gives_nothing_else(make_clip: MakeClip) -> None:
    with open_stream(options(make_clip(pictures=50, gop=25), fps=25, decode="keyframes")) as stream:
        assert len(list(stream.pictures())) == 2


def test_the_rotation_that_a_video_asks_for_is_applied(make_clip: MakeClip) -> None:
    """Of the display matrix, counter-clockwise: 90 brings the white upper left corner to the lower left."""
    with open_stream(options(make_clip(pictures=5, rotation=90))) as stream:
        (first, *_) = list(stream.pictures())
    assert (first.width_px, first.height_px) == (48, 64)
    pixels = imaging.decode(first.image)
    assert pixels[-4, 4].mean() > 200
    assert pixels[4, 4].mean() < 60


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.GARBAGE, Fault.TRUNCATED])
def test_unusable_pictures_are_counted_and_the_stream_goes_on(fault: Fault) -> None:
    with cameras(kind="mjpeg") as world, open_stream(options(world["cam-00"].url, silent_s=20)) as stream:
        pictures = stream.pictures()
        next(pictures)
        world["cam-00"].fault = fault
        threading.Timer(0.6, lambda: setattr(world["cam-00"], "fault", None)).start()
        before = len(list(itertools.islice(pictures, 10)))
    assert before == 10
    assert stream.tally.refused >= 2
    assert stream.tally.last_refusal


def test_without_a_usable_picture_it_is_silent() -> None:
    with cameras(kind="mjpeg") as world, open_stream(options(world["cam-00"].url, silent_s=0.5)) as stream:
        pictures = stream.pictures()
        next(pictures)
        world["cam-00"].fault = Fault.EMPTY
        with pytest.raises(CameraFault, match="nothing to see") as silent:
            list(pictures)
    assert silent.value.kind == "silent"


def test_a_connection_that_brings_nothing_hangs() -> None:
    with cameras(kind="rtsp-h264") as world, open_stream(options(world["cam-00"].url, read_timeout_s=0.5)) as stream:
        pictures = stream.pictures()
        next(pictures)
        world["cam-00"].fault = Fault.HANGS
        with pytest.raises(CameraFault) as hung:
            list(pictures)
    assert hung.value.kind == "hung"


def test_another_resolution_is_counted() -> None:
    with cameras(kind="mjpeg") as world, open_stream(options(world["cam-00"].url)) as stream:
        pictures = stream.pictures()
        next(pictures)
        world["cam-00"].fault = Fault.RESIZES
        wider = next(one for one in pictures if one.width_px > 160)
    assert (wider.width_px, wider.height_px) == (320, 240)
    assert stream.tally.resolution_changes == 1


def test_a_wrong_clock_changes_nothing() -> None:
    with cameras(kind="rtsp-h264", gop=5) as world, open_stream(options(world["cam-00"].url)) as stream:
        world["cam-00"].fault = Fault.WRONG_CLOCK
        for taken in some(stream, 20):
            assert time.time() - 11 <= taken.captured_s <= time.time()


def test_stop_interrupts_the_wait_of_a_slow_file(make_clip: MakeClip) -> None:
    stop = threading.Event()
    with open_stream(options(make_clip(pictures=20, fps=1), fps=1), stop) as stream:
        pictures = stream.pictures()
        next(pictures)
        began_s = time.monotonic()
        threading.Timer(0.2, stop.set).start()
        assert list(pictures) == []
    assert time.monotonic() - began_s < 1


def test_stop_ends_a_loop_and_a_snapshot(make_clip: MakeClip) -> None:
    with cameras(kind="snapshot") as world:
        for url in (make_clip(pictures=3), world["cam-00"].url):
            stop = threading.Event()
            with open_stream(options(url, fps=0.1, loop=True), stop) as stream:
                pictures = stream.pictures()
                next(pictures)
                threading.Timer(0.3, stop.set).start()
                assert list(pictures) == []


@pytest.mark.parametrize("content", [b"", b"no video at all\n" * 100, b"\x00\x00\x00\x18ftypmp42" + bytes(200)])
def test_a_file_that_is_no_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(CameraFault, match="gives no video") as fault, open_stream(options(path)) as stream:
        list(stream.pictures())
    assert fault.value.kind == "no_video"


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """No test of a stream takes long: what hangs is what they are about."""
    began_s = time.monotonic()
    yield
    assert time.monotonic() - began_s < 30
