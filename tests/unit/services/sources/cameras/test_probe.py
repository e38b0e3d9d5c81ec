"""A look at simulated cameras: what each sends, what reading it costs, and that none waits for another."""

import time
from collections.abc import Sequence

import pytest

from services.sources.cameras.probe import Looking, Probed, probe
from services.sources.config import CameraOptions
from tests.cameras import Fault, Spec, cameras, read_number, serving

FOR_S = 1.0


def options(url: str, fps: float = 4.0, **others: object) -> CameraOptions:
    return CameraOptions.model_validate(
        {"url": url, "fps": fps, "open_timeout_s": 3, "read_timeout_s": 3, "silent_s": 3, **others}
    )


def test_what_each_camera_sends() -> None:
    specs = (
        Spec("a", "mjpeg", fps=8),
        Spec("b", "rtsp-h264", width_px=320, height_px=240, gop=5),
        Spec("c", "snapshot"),
    )
    with serving(specs) as world:
        found = probe({camera.name: options(camera.url) for camera in world}, for_s=2.5)
    assert [one.source_id for one in found] == ["a", "b", "c"]
    assert [one.codec for one in found] == ["mjpeg", "h264", "mjpeg"]
    assert [(one.width_px, one.height_px) for one in found] == [(160, 120), (320, 240), (160, 120)]
    assert [one.only_images for one in found] == [True, False, True]
    for one in found:
        assert one.fine
        assert one.picture is not None
        assert read_number(one.picture) >= 0
        assert one.pictures >= 2
        assert one.cores is not None
        assert 0 < one.cores < 1
        assert one.bytes_per_picture == pytest.approx(len(one.picture), rel=0.5)
    assert found[0].native_fps == pytest.approx(8, rel=0.4)
    assert found[2].native_fps is None, "it is fetched as often as is wanted"
    assert found[1].keyframe_every_s == pytest.approx(0.5, rel=0.2)


def test_dead_cameras_are_looked_at_side_by_side() -> None:
    with cameras(n=6, kind="mjpeg") as world:
        for camera in world:
            camera.fault = Fault.NO_ANSWER
        began_s = time.monotonic()
        found = probe({camera.name: options(camera.url) for camera in world}, FOR_S)
        took_s = time.monotonic() - began_s
    assert {one.fault for one in found} == {"no_answer"}
    assert took_s < 6 * 3, "one after the other would take as long"


def test_a_camera_that_sends_nothing_usable_is_silent() -> None:
    with serving([Spec("a", "mjpeg"), Spec("b", "mjpeg")]) as world:
        world["a"].fault = Fault.GARBAGE
        first, second = probe({camera.name: options(camera.url) for camera in world}, FOR_S)
    assert first.fault in ("silent", "no_video", "lost")
    assert first.picture is None
    assert second.fine


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.SILENT])
def test_a_camera_that_stops_sending_while_it_is_looked_at_is_dead(fault: Fault) -> None:
    with cameras(kind="mjpeg") as world:
        camera = world["cam-00"]

        def strike(looking: Sequence[Looking]) -> None:
            if looking[0].pictures == 3 and camera.fault is None:
                camera.fault = fault

        (found,) = probe({"a": options(camera.url, read_timeout_s=60, silent_s=60)}, for_s=4, on_tick=strike)
    assert found.fault == "silent"
    assert found.picture is not None
    assert found.why is not None
    assert "pictures, then none for" in found.why


def test_an_address_that_is_none_is_a_fault_of_its_own() -> None:
    (found,) = probe({"a": options("nowhere.mp4")}, FOR_S)
    assert (found.fault, found.address) == ("settings", "")
    assert found.why is not None
    assert "nowhere.mp4" in found.why


def test_no_password_is_in_what_is_found() -> None:
    with serving([Spec("a", "mjpeg", user="viewer", password="right")]) as world:
        url = world["a"].url.replace("://", "://viewer:s3cret-canary@")
        (found,) = probe({"a": options(url)}, FOR_S)
    assert found.fault == "unauthorized"
    assert "s3cret-canary" not in repr(found)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_of_our_own_is_a_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise AssertionError("never seen before")

    monkeypatch.setattr("services.sources.cameras.probe.open_stream", fails)
    (found,) = probe({"a": options("rtsp://viewer:s3cret-canary@door.example/")}, FOR_S)
    assert (found.fault, found.why) == (
        "broken",
        "rtsp://door.example/: Gleaner failed (AssertionError); please report it",
    )


def test_progress_is_told_while_it_looks() -> None:
    states: list[str] = []

    def note(looking: Sequence[Looking]) -> None:
        states.append(looking[0].state)

    with cameras(kind="mjpeg") as world:
        probe({"a": options(world["cam-00"].url)}, FOR_S, note)
    assert states[-1] == "answers"
    assert set(states) <= {"asked", "answers"}


def test_nobody_to_look_at() -> None:
    assert probe({}, FOR_S) == []


def test_a_camera_publishes_what_is_wanted_or_what_there_is() -> None:
    camera = Probed("a", "", wanted_fps=2.0, native_fps=25.0)
    assert camera.fps == 2
    assert Probed("a", "", wanted_fps=2.0, native_fps=0.5).fps == 0.5
    assert Probed("a", "", wanted_fps=2.0, decode="keyframes", keyframe_every_s=4.0).fps == 0.25
    assert Probed("a", "", wanted_fps=0.0, fault="settings").fps == 0
