import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.sources.cameras.fleet import Fleet
from services.sources.config import CameraOptions
from shared.adapters.embedded.segment_log import SegmentLog
from shared.errors import SettingsError
from shared.ports import Log
from shared.streams import FRAMES
from shared.streams.frames import Frame, decode
from tests.cameras import Fault, World, cameras, read_number
from tests.unit.services.sources.cameras.conftest import MakeClip, until

QUICK = {
    "fps": 5,
    "open_timeout_s": 1,
    "read_timeout_s": 1,
    "silent_s": 2,
    "frozen_s": 1,
    "retry_most_s": 0.3,
}


def fleet_of(urls: dict[str, object], **more: object) -> Fleet:
    every = {**QUICK, **more}
    return Fleet({name: CameraOptions.model_validate({"url": str(url), **every}) for name, url in urls.items()})


def urls(world: World) -> dict[str, object]:
    return {camera.name: camera.url for camera in world}


@contextmanager
def running(fleet: Fleet, log: Log) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=fleet.run, args=(log, stop), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        began_s = time.monotonic()
        thread.join(10)
        assert time.monotonic() - began_s < 8, "it ends within seconds, whatever hangs"


def frames_of(log: Log) -> list[Frame]:
    reader = log.reader()
    bounds = log.bounds(FRAMES.name)
    return [decode(r) for number, at in bounds.items() for r in reader.scan(FRAMES.name, number, at.start, at.end)]


def test_each_camera_is_a_source_in_order(log: Log) -> None:
    with cameras(n=5, kind="mjpeg") as world:
        fleet = fleet_of(urls(world))
        with running(fleet, log):
            until(lambda: all(one.published >= 6 for one in fleet.reports()), "six pictures of each")
    frames = frames_of(log)
    for report in fleet.reports():
        own = [frame for frame in frames if frame.source_id == report.source_id]
        assert len(own) == report.published
        assert [frame.frame_index for frame in own] == list(range(len(own)))
        numbers = [read_number(frame.image) for frame in own]
        assert numbers == sorted(set(numbers))
        assert report.dropped == 0
    assert len({frame.ref.frame_id for frame in frames}) == len(frames)


def test_dead_cameras_change_nothing_for_the_others(log: Log) -> None:
    with cameras(n=6, kind="mjpeg") as world:
        for name, fault in (("cam-00", Fault.REFUSES), ("cam-02", Fault.NO_ANSWER), ("cam-04", Fault.UNAUTHORIZED)):
            world[name].fault = fault
        fleet = fleet_of(urls(world))
        with running(fleet, log):
            until(lambda: all(fleet.reports()[number].published >= 10 for number in (1, 3, 5)), "the living ones")
            until(lambda: all(fleet.reports()[number].fault is not None for number in (0, 2, 4)), "the dead ones")
            states = {one.source_id: (one.state, one.fault) for one in fleet.reports()}
    assert states["cam-00"] == ("down", "refused")
    assert states["cam-02"] == ("down", "no_answer")
    assert states["cam-04"] == ("down", "unauthorized")
    assert {state for state, _ in (states["cam-01"], states["cam-03"], states["cam-05"])} == {"live"}


def test_the_newest_are_kept_while_the_log_is_down(tmp_path: Path) -> None:
    """Streams that do not exist yet are `Unavailable`, as a broker that is down."""
    log = SegmentLog(tmp_path / "log")
    with cameras(n=2, kind="mjpeg") as world:
        fleet = fleet_of(urls(world))
        with running(fleet, log):
            until(lambda: all(one.dropped >= 3 for one in fleet.reports()), "pictures are given up")
            until(lambda: fleet.waiting_for is not None, "it says what it waits for")
            assert all(one.published == 0 for one in fleet.reports())
            log.apply()
            until(lambda: all(one.published >= 8 for one in fleet.reports()), "it goes on")
            until(lambda: fleet.waiting_for is None, "it says no more")
        reports = fleet.reports()
    for report in reports:
        indices = [frame.frame_index for frame in frames_of(log) if frame.source_id == report.source_id]
        assert indices == sorted({index for index in indices if index is not None})
        assert indices[-1] == report.published + report.dropped - 1, "every picture was published or is counted"
    log.close()


def test_it_stops_while_the_log_is_down(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path / "log")
    with cameras(n=2, kind="mjpeg") as world:
        fleet = fleet_of(urls(world))
        with running(fleet, log):
            until(lambda: all(one.dropped >= 1 for one in fleet.reports()), "pictures are given up")
    assert all(one.published == 0 and one.dropped >= 2 for one in fleet.reports())
    log.close()


def test_files_come_to_an_end(log: Log, make_clip: MakeClip) -> None:
    fleet = fleet_of({"one": make_clip("one.mp4", pictures=10), "two": make_clip("two.mp4", pictures=20)}, fps=25)
    with running(fleet, log):
        until(lambda: fleet.finished, "the end")
        until(lambda: sum(one.published for one in fleet.reports()) == 30, "all of them")
    assert len(frames_of(log)) == 30


def test_it_stops_though_a_camera_hangs(log: Log) -> None:
    with cameras(n=1, kind="rtsp-h264", gop=5) as world:
        fleet = fleet_of(urls(world), read_timeout_s=60, open_timeout_s=60)
        with running(fleet, log):
            until(lambda: fleet.reports()[0].published >= 1, "a picture")
            world["cam-00"].fault = Fault.HANGS


def test_an_address_that_is_none_names_its_camera() -> None:
    with pytest.raises(SettingsError, match=r"sources\.gate: .*rtps://"):
        fleet_of({"door": "rtsp://door.example/a", "gate": "rtps://gate.example/a"})


def test_reports_are_there_before_it_runs_and_hold_no_password() -> None:
    fleet = fleet_of({"door": "rtsp://viewer:c4nary@door.example/a?token=c4nary"})
    assert [one.state for one in fleet.reports()] == ["connecting"]
    assert "c4nary" not in repr(fleet.reports())
    assert not fleet.finished
