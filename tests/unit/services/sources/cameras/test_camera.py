import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.sources.cameras.camera import Camera
from services.sources.config import CameraOptions
from services.sources.picture import Picture
from tests.cameras import Fault, Spec, cameras, read_number
from tests.cameras.images import image
from tests.cameras.video import segment
from tests.hosts.server import Quiet
from tests.hosts.server import serving as hosted
from tests.unit.services.sources.cameras.conftest import MakeClip, until

QUICK = {
    "fps": 10,
    "open_timeout_s": 1,
    "read_timeout_s": 0.5,
    "silent_s": 0.6,
    "frozen_s": 0.5,
    "retry_most_s": 0.2,
}


@contextmanager
def living(url: object, **more: object) -> Iterator[tuple[Camera, list[Picture]]]:
    """A camera on its thread, and what it handed over."""
    came: list[Picture] = []
    camera = Camera("door", CameraOptions.model_validate({"url": str(url), **QUICK, **more}), came.append)
    stop = threading.Event()
    thread = threading.Thread(target=camera.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield camera, came
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_pictures_are_numbered_and_no_id_is_used_twice() -> None:
    with cameras(kind="mjpeg") as world, living(world["cam-00"].url) as (camera, came):
        until(lambda: len(came) >= 10, "ten pictures")
        assert camera.record.report().state == "live"
    assert [one.frame_index for one in came] == list(range(len(came)))
    assert len({one.producer_frame_id for one in came}) == len(came)
    numbers = [read_number(one.image) for one in came]
    assert numbers == sorted(set(numbers))
    assert all(one.captured_at is not None and one.captured_at.endswith("Z") for one in came)


@pytest.mark.parametrize("kind", ["mjpeg", "snapshot", "rtsp-h264"])
@pytest.mark.parametrize("fault", [Fault.REFUSES, Fault.NO_ANSWER, Fault.BUSY, Fault.UNAUTHORIZED])
def test_it_comes_back_alone_and_says_so_once(kind: str, fault: Fault) -> None:
    with capture_logs() as said, cameras(kind=kind, gop=5) as world, living(world["cam-00"].url) as (camera, came):  # type: ignore[arg-type]
        until(lambda: len(came) >= 2, "pictures")
        world["cam-00"].fault = fault
        until(lambda: camera.record.report().state == "down", "lost")
        tries = world["cam-00"].connections
        until(lambda: world["cam-00"].connections >= tries + 3 or fault is Fault.REFUSES, "tried again")
        assert camera.record.report().why
        world["cam-00"].fault = None
        until(lambda: camera.record.report().state == "live", "back")
        before = len(came)
        until(lambda: len(came) >= before + 2, "pictures again")
        report = camera.record.report()
    assert (report.reconnects, report.fault, report.why) == (1, None, None)
    events = [one["event"] for one in said]
    assert events[0] == "source.opened"
    assert events[-1] == "source.recovered"
    assert events.count("source.recovered") == 1
    assert 1 <= len(events) - 2 <= 3, "one line for each change, not for each try"
    assert all(one["source_id"] == "door" for one in said)


def test_a_hang_and_a_silence_are_counted() -> None:
    with cameras(kind="rtsp-h264", gop=5) as world, living(world["cam-00"].url) as (camera, came):
        until(lambda: len(came) >= 1, "a picture")
        world["cam-00"].fault = Fault.HANGS
        until(lambda: camera.record.report().hung >= 1, "hung")
        world["cam-00"].fault = Fault.GARBAGE
        until(lambda: camera.record.report().silent >= 1, "silent")
        world["cam-00"].fault = None
        until(lambda: camera.record.report().state == "live", "back")
        assert camera.record.report().refused >= 1


@pytest.mark.parametrize("kind", ["mjpeg", "rtsp-h264"])
def test_a_frozen_picture_is_shown_counted_once_and_published_on(kind: str) -> None:
    with cameras(kind=kind, gop=5) as world, living(world["cam-00"].url) as (camera, came):  # type: ignore[arg-type]
        until(lambda: len(came) >= 1, "a picture")
        world["cam-00"].fault = Fault.FREEZES
        until(lambda: camera.record.report().state == "frozen", "frozen")
        before = len(came)
        until(lambda: len(came) >= before + 5, "published on")
        assert camera.record.report().frozen == 1
        assert "the same picture" in (camera.record.report().why or "")
        world["cam-00"].fault = None
        until(lambda: camera.record.report().state == "live", "moving")
        assert camera.record.report().reconnects == 0


def test_a_wrong_password_is_tried_slowly() -> None:
    """Cameras lock out who knocks too often."""
    with cameras(kind="mjpeg", user="viewer", password="right") as world:
        with living(world["cam-00"].url, retry_most_s=60) as (camera, _):
            until(lambda: camera.record.report().fault == "unauthorized", "refused")
        assert world["cam-00"].connections <= 2


def test_a_file_ends(make_clip: MakeClip) -> None:
    with living(make_clip(pictures=10)) as (camera, came):
        until(lambda: camera.record.report().state == "ended", "the end")
    assert len(came) >= 3


def test_a_file_that_goes_away_and_comes_back(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(pictures=5)
    with living(clip, loop=True) as (camera, came):
        until(lambda: len(came) >= 1, "pictures")
        clip.rename(tmp_path / "away.mp4")
        until(lambda: camera.record.report().fault == "not_found", "gone")
        (tmp_path / "away.mp4").rename(clip)
        until(lambda: camera.record.report().state == "live", "back")


def test_another_resolution_is_told() -> None:
    with capture_logs() as said, cameras(kind="mjpeg") as world, living(world["cam-00"].url) as (camera, came):
        until(lambda: len(came) >= 1, "a picture")
        world["cam-00"].fault = Fault.RESIZES
        until(lambda: camera.record.report().resolution_changes == 1, "another size")
        until(lambda: camera.record.report().width_px == 320, "the new size")
    assert [one["width_px"] for one in said if one["event"] == "source.resized"] == [320]


def test_one_that_gives_a_picture_and_is_lost_again_is_knocked_at_less_and_less() -> None:
    """Else each of them writes its lines into the log twice a second, day and night."""
    tries_s: list[float] = []
    one = image(Spec("door"), 1, 160, 120, None)

    class Flapping(Quiet):
        def do_GET(self) -> None:
            tries_s.append(time.monotonic())
            part = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(one), one)
            self.answer(200, part * 2, "multipart/x-mixed-replace; boundary=b")

    with hosted(Flapping) as url, living(f"{url}/video", retry_most_s=30) as (_, came):
        until(lambda: len(tries_s) >= 4, "four tries")
        assert len(came) >= 3
    assert tries_s[3] - tries_s[0] >= 0.75 * (0.5 + 1 + 2)


def test_a_live_playlist_that_is_closed_is_waited_for_and_not_played_again() -> None:
    """Encoders close it when they are restarted, and a live camera is no recording because of that."""
    spec, closed, asked, listed = Spec("door", "hls", fps=10), threading.Event(), [0], [3]

    class Playlist(Quiet):
        def do_GET(self) -> None:
            if self.path.endswith(".ts"):
                first = 5 * int(self.path.strip("/").removesuffix(".ts"))
                body = segment(spec, range(first, first + 5), (160, 120), 10 + first / 10)
                self.answer(200, body, "video/mp2t")
                return
            asked[0] += 1
            lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"]
            lines += [f"#EXTINF:0.5,\n{number}.ts" for number in range(listed[0])]
            text = "\n".join([*lines, *(["#EXT-X-ENDLIST"] if closed.is_set() else []), ""])
            self.answer(200, text.encode(), "application/vnd.apple.mpegurl")

    patient = {"open_timeout_s": 5, "read_timeout_s": 5, "silent_s": 10}
    with hosted(Playlist) as url, living(f"{url}/live.m3u8", **patient) as (camera, came):
        until(lambda: bool(came), "pictures")
        closed.set()
        until(lambda: camera.record.report().fault == "ended", "its end")
        before, asked_before = len(came), asked[0]
        until(lambda: asked[0] >= asked_before + 4, "it is tried again")
        assert (camera.record.report().state, len(came)) == ("down", before)
        listed[0] += 1
        closed.clear()
        until(lambda: camera.record.report().state == "live", "it goes on")
        closed.set()  # who waits for a segment hears no stop
    numbers = [read_number(one.image) for one in came]
    assert numbers == sorted(set(numbers))
