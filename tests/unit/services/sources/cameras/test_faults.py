import errno
import os
import traceback
from pathlib import Path

import av
import pytest

from services.sources.cameras import faults
from services.sources.cameras.address import Address
from services.sources.cameras.faults import CameraFault
from services.sources.cameras.stream import open_stream
from services.sources.config import CameraOptions
from shared.errors import SettingsError
from tests.cameras import Fault, cameras

CANARY = "c4nary-s3cret"


def options(url: str, **more: object) -> CameraOptions:
    quick = {"fps": 10, "open_timeout_s": 1, "read_timeout_s": 1, "silent_s": 2, "user": "viewer", "password": CANARY}
    return CameraOptions.model_validate({"url": url, **quick, **more})


def fault_of(one: CameraOptions) -> CameraFault:
    with pytest.raises(CameraFault) as raised, open_stream(one) as stream:
        for _ in stream.pictures():
            pass
    whole = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert CANARY not in whole, "a password in a traceback is a password in a log"
    return raised.value


@pytest.mark.parametrize("kind", ["mjpeg", "snapshot", "rtsp-h264", "rtsp-jpeg", "hls"])
@pytest.mark.parametrize(
    ("fault", "expected", "said"),
    [
        (Fault.REFUSES, "refused", "nothing listens on port"),
        (Fault.NO_ANSWER, "no_answer", "did not answer"),
        (Fault.UNAUTHORIZED, "unauthorized", "set `user` and `password`"),
        (Fault.FORBIDDEN, "forbidden", "right to view"),
        (Fault.NOT_FOUND, "not_found", "nothing at this path"),
        (Fault.BUSY, "too_many", "close other viewers"),
    ],
)
def test_each_fault_at_the_door_has_its_kind_and_says_what_to_do(
    kind: str, fault: Fault, expected: str, said: str
) -> None:
    with cameras(kind=kind) as world:  # type: ignore[arg-type]
        world["cam-00"].fault = fault
        found = fault_of(options(world["cam-00"].url))
    assert found.kind == expected
    assert said in str(found)
    assert world["cam-00"].url in str(found)


@pytest.mark.parametrize("kind", ["mjpeg", "rtsp-h264", "rtsp-jpeg", "hls"])
def test_a_web_page_is_no_video(kind: str) -> None:
    with cameras(kind=kind) as world:  # type: ignore[arg-type]
        world["cam-00"].fault = Fault.PAGE
        found = fault_of(options(world["cam-00"].url))
    assert found.kind == "no_video"
    assert "not the camera's web page" in str(found)


@pytest.mark.parametrize("kind", ["rtsp-h264", "rtsp-jpeg"])
def test_sound_alone_is_no_video(kind: str) -> None:
    with cameras(kind=kind) as world:  # type: ignore[arg-type]
        world["cam-00"].fault = Fault.NO_VIDEO
        assert fault_of(options(world["cam-00"].url)).kind == "no_video"


@pytest.mark.parametrize("kind", ["mjpeg", "rtsp-h264"])
@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_the_right_password_opens_and_a_wrong_one_does_not(kind: str, auth: str) -> None:
    with cameras(kind=kind, auth=auth, user="view er", password="r:ght/@#?%") as world:  # type: ignore[arg-type]
        url = world["cam-00"].url
        assert fault_of(options(url)).kind == "unauthorized"
        assert (
            fault_of(options(url.replace("://", f"://viewer:{CANARY}@"), user=None, password=None)).kind
            == "unauthorized"
        )
        right = options(url, user="view er", password="r:ght/@#?%")
        with open_stream(right) as stream:
            assert next(stream.pictures()).width_px == 160
        with open_stream(options(world["cam-00"].url_with_password, user=None, password=None)) as stream:
            assert next(stream.pictures()).width_px == 160


@pytest.mark.parametrize(
    ("url", "expected", "said"),
    [
        ("rtsp://no-such-camera.invalid/stream", "unknown_host", "no host is called no-such-camera.invalid"),
        ("http://no-such-camera.invalid/stream", "unknown_host", "IP address"),
        ("/dev/video99", "no_device", "plug the camera in"),
    ],
)
def test_what_is_not_there(url: str, expected: str, said: str) -> None:
    found = fault_of(options(url))
    assert found.kind == expected
    assert said in str(found)


def test_tls_where_there_is_none() -> None:
    with cameras(kind="mjpeg") as world:
        found = fault_of(options(world["cam-00"].url.replace("http:", "https:")))
    assert found.kind == "tls"
    assert "use the plain one" in str(found)


@pytest.mark.parametrize(
    ("number", "expected", "said"),
    [
        (errno.EBUSY, "busy", "in use by another program"),
        (errno.EACCES, "no_permission", "the group `video`"),
        (errno.ENODEV, "no_device", "ls /dev/video"),
        (errno.EIO, "broken", "Input/output error"),
    ],
)
def test_what_a_device_says(number: int, expected: str, said: str) -> None:
    """As FFmpeg raises it: this machine need not have such a device."""
    with pytest.raises(av.error.FFmpegError) as raised:
        av.error.err_check(-number, "/dev/video0")
    found = faults.of_opening(raised.value, Address.of(CameraOptions(url="/dev/video0")))
    assert found.kind == expected
    assert said in str(found)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (av.error.DecoderNotFoundError, "unsupported"),
        (av.error.ProtocolNotFoundError, "unsupported"),
        (av.error.HTTPTooManyRequestsError, "too_many"),
        (av.error.TimeoutError, "no_answer"),
        (av.error.ConnectionResetError, "lost"),
    ],
)
def test_what_ffmpeg_says(error: type[av.error.FFmpegError], expected: str) -> None:
    url = f"rtsp://viewer:{CANARY}@127.0.0.1/a"
    found = faults.of_opening(error(1, "words", url), Address.of(CameraOptions(url=url)))
    assert found.kind == expected
    assert CANARY not in str(found)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    found = faults.of_opening(
        PermissionError(errno.EACCES, "Permission denied"), Address.of(CameraOptions(url=str(clip)))
    )
    assert found.kind == "no_permission"
    assert "read the file" in str(found)


def test_no_files_left_is_not_the_camera_s_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", full)
    url = f"rtsp://viewer:{CANARY}@192.0.2.1/a"
    found = faults.of_opening(av.error.OSError(errno.EIO, "words", url), Address.of(CameraOptions(url=url)))
    assert found.kind == "broken"
    assert "ulimit -n" in str(found)


def test_a_secret_in_a_query_is_masked() -> None:
    with cameras(kind="mjpeg") as world:
        world["cam-00"].fault = Fault.NOT_FOUND
        found = fault_of(options(f"{world['cam-00'].url}?pwd={CANARY}", user=None, password=None))
    assert "pwd=********" in str(found)


def test_a_connection_that_dies_is_told() -> None:
    with cameras(kind="rtsp-h264") as world, open_stream(options(world["cam-00"].url)) as stream:
        pictures = stream.pictures()
        next(pictures)
        world["cam-00"].once(Fault.DIES)
        with pytest.raises(CameraFault) as lost:
            list(pictures)
    assert lost.value.kind in ("lost", "ended")
    assert "opened again" in str(lost.value)


def test_an_address_that_is_none_is_for_the_settings() -> None:
    with pytest.raises(SettingsError):
        open_stream(options("nowhere.mp4"))
