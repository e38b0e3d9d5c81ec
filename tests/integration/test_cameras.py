"""Every kind of camera with every fault, all at once in one fleet: what is shown and counted, and that it ends with the fault.

Three acts: all are well; each has its fault, but for those that have none; all are well again. The tests look at what was seen.
Each camera has a password, which nothing that is shown may hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import get_args
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from services.sources.cameras.report import CameraReport
from services.sources.config import CameraOptions
from shared.streams.frames import Frame
from tests.cameras import Fault, Kind, Spec, read_number, serving, serving_apart
from tests.cameras.faults import POSSIBLE
from tests.cameras.picture import jpeg
from tests.cameras.reading import reading

KINDS: tuple[Kind, ...] = get_args(Kind)
WANTED_FPS, CAMERA_FPS = 5.0, 10.0
USER, CANARY = "viewer", "canary/p@ss:word"
TIMES = {"open_timeout_s": 3.0, "read_timeout_s": 2.0, "silent_s": 3.0, "frozen_s": 2.0, "retry_most_s": 1.0}
SOME_PICTURES = 10
CASES: list[tuple[Kind, Fault]] = [(kind, fault) for kind in KINDS for fault in sorted(POSSIBLE[kind])]


SETTINGS = {"fps": WANTED_FPS, "user": USER, "password": SecretStr(CANARY), **TIMES}

AT_THE_DOOR: dict[Fault, str] = {
    Fault.REFUSES: "nothing listens on port",
    Fault.NO_ANSWER: "did not answer",
    Fault.UNAUTHORIZED: "refused user and password",
    Fault.FORBIDDEN: "give that user the right to view",
    Fault.NOT_FOUND: "has nothing at this path (404)",
    Fault.BUSY: "too many open connections",
    Fault.PAGE: "no video that can be read",
    Fault.NO_VIDEO: "no video that can be read",
}
"""And words of the sentence."""

DOWN: dict[Fault, set[str]] = {
    Fault.REFUSES: {"refused"},
    Fault.NO_ANSWER: {"no_answer"},
    Fault.UNAUTHORIZED: {"unauthorized"},
    Fault.FORBIDDEN: {"forbidden"},
    Fault.NOT_FOUND: {"not_found"},
    Fault.BUSY: {"too_many"},
    Fault.PAGE: {"no_video"},
    Fault.NO_VIDEO: {"no_video"},
    Fault.DIES: {"lost", "ended", "no_video"},
    Fault.HANGS: {"no_answer"},
    Fault.SILENT: {"silent", "hung"},
    Fault.GARBAGE: {"no_video", "no_answer", "ended", "silent"},
    Fault.TRUNCATED: {"no_video", "silent"},
}
"""The kinds of fault that it may be shown as."""

Case = tuple[Kind, Fault | None]
HUNG: set[Case] = {
    *((kind, fault) for kind in ("mjpeg", "rtsp-h264", "rtsp-jpeg") for fault in (Fault.HANGS, Fault.SILENT)),
    ("rtsp-jpeg", Fault.GARBAGE),
}
"""The connection brings nothing that is a packet: as little as garbage in RTP/JPEG do RTSP's reports and HTTP's empty lines."""

SPOILT: set[Case] = {
    *((kind, fault) for kind in ("mjpeg", "snapshot") for fault in (Fault.GARBAGE, Fault.EMPTY, Fault.TRUNCATED)),
    *(("snapshot", fault) for fault in (Fault.DIES, Fault.PAGE)),
    *(("rtsp-h264", fault) for fault in (Fault.GARBAGE, Fault.TRUNCATED)),
    ("rtsp-jpeg", Fault.EMPTY),
}
"""Pictures come, and none can be used."""

HARMLESS: set[Case] = {
    *((kind, None) for kind in KINDS),
    *((kind, fault) for kind in KINDS for fault in (Fault.FAST, Fault.WRONG_CLOCK)),
    ("rtsp-jpeg", Fault.TRUNCATED),
    ("hls", Fault.TRUNCATED),
}
"""It stays live. Half an RTP/JPEG looks whole until it is decoded; half a segment of HLS holds whole pictures."""

DAMAGED: set[Case] = {
    *((kind, fault) for kind in ("rtsp-h264", "hls") for fault in (Fault.GARBAGE, Fault.TRUNCATED)),
    ("rtsp-jpeg", Fault.TRUNCATED),
    ("hls", Fault.DIES),
}
"""A picture may come out damaged, or be one that was not counted as sent: decoders mend what they can and do not say so, and a
camera that dies in the middle of a segment has sent whole pictures of it."""

SEEN_AGAIN: set[Case] = {("hls", fault) for fault in POSSIBLE["hls"]}
"""Whoever opens HLS again begins with the newest segment that is listed, and may have seen it."""


def named(kind: str, fault: Fault | None) -> str:
    return f"{kind}.{fault.name.lower() if fault else 'well'}"


@dataclass(frozen=True)
class Story:
    """Of one camera: its report before, during and after its fault, its frames in the log, and the numbers it sent."""

    before: CameraReport
    during: CameraReport
    after: CameraReport
    last: CameraReport
    frames: list[Frame]
    sent: tuple[int, ...]

    @property
    def numbers(self) -> list[int | None]:
        """None for a picture that cannot be read."""
        return [_number(frame) for frame in self.frames]

    def more(self, count: str) -> int:
        """How far a count of the report rose with the fault."""
        return int(getattr(self.during, count) - getattr(self.before, count))


Stories = dict[str, Story]
Condition = Callable[[CameraReport], bool]


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Stories:
    cases = [*CASES, *((kind, None) for kind in KINDS)]
    specs = [Spec(named(*case), case[0], CAMERA_FPS, user=USER, password=CANARY, wraps=1 << 19) for case in cases]
    with serving_apart(specs) as world:
        options = {name: CameraOptions.model_validate({"url": one.url, **SETTINGS}) for name, one in world.items()}
        with reading(tmp_path_factory.mktemp("log"), options) as fleet:
            before = fleet.wait_for_all({name: _goes_on(None) for name in options})
            for case in CASES:
                world[named(*case)].fault = case[1]
            during = fleet.wait_for_all({named(*case): _shows(before[named(*case)], *case) for case in cases})
            for camera in world.values():
                camera.fault = None
            after = fleet.wait_for_all({name: _goes_on(during[name]) for name in options})
            fleet.stop()
            last, frames = fleet.reports(), fleet.frames()
        sent = {name: camera.counts().sent for name, camera in world.items()}
    return {
        name: Story(before[name], during[name], after[name], last[name], frames[name], sent[name]) for name in options
    }


def _goes_on(since: CameraReport | None) -> Condition:
    """Live, with more pictures than then."""
    published = since.published if since else 0
    return lambda now: now.state == "live" and now.published >= published + SOME_PICTURES


def _shows(before: CameraReport, kind: Kind, fault: Fault | None) -> Condition:
    """What is to be seen of a fault, and is looked at below."""
    if fault is Fault.FREEZES:
        return lambda now: now.state == "frozen" and now.published >= before.published + SOME_PICTURES
    if fault is Fault.RESIZES:
        return lambda now: now.resolution_changes == 1 and now.published >= before.published + SOME_PICTURES
    if (kind, fault) in HARMLESS:
        return _goes_on(before)
    if (kind, fault) in HUNG:
        return lambda now: now.hung > before.hung and now.state == "down"
    if (kind, fault) in SPOILT:
        return lambda now: now.silent > before.silent and now.state == "down"
    assert fault is not None
    return lambda now: now.state == "down" and now.fault in DOWN[fault]


class TestWhatIsShown:
    @pytest.mark.parametrize("fault", sorted(AT_THE_DOOR))
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_camera_that_cannot_be_opened_says_what_to_do(self, stories: Stories, kind: Kind, fault: Fault) -> None:
        if fault not in POSSIBLE[kind]:
            assert named(kind, fault) not in stories
            return
        why = stories[named(kind, fault)].during.why or ""
        assert (AT_THE_DOOR[fault] if (kind, fault) not in SPOILT else "no usable picture") in why

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_frozen_picture_is_one_episode_and_is_published_on(self, stories: Stories, kind: Kind) -> None:
        story = stories[named(kind, Fault.FREEZES)]
        assert story.during.frozen == story.last.frozen == 1
        assert "the same picture for more than 2 s" in (story.during.why or "")
        assert story.after.reconnects == story.before.reconnects, "its connection is well"

    @pytest.mark.parametrize(("kind", "fault"), sorted(HUNG, key=str))
    def test_a_hung_connection_is_counted(self, stories: Stories, kind: Kind, fault: Fault) -> None:
        story = stories[named(kind, fault)]
        assert story.more("hung") >= 1
        assert story.last.reconnects > story.before.reconnects

    def test_a_playlist_that_does_not_grow_is_counted(self, stories: Stories) -> None:
        story = stories[named("hls", Fault.SILENT)]
        assert story.more("silent") + story.more("hung") >= 1

    @pytest.mark.parametrize(("kind", "fault"), sorted(SPOILT, key=str))
    def test_unusable_pictures_are_refused_and_make_it_silent(self, stories: Stories, kind: Kind, fault: Fault) -> None:
        story = stories[named(kind, fault)]
        assert story.more("refused") > SOME_PICTURES
        assert story.more("silent") >= 1
        assert "the last was refused: " in (story.during.why or "")

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_change_of_resolution_is_counted(self, stories: Stories, kind: Kind) -> None:
        story = stories[named(kind, Fault.RESIZES)]
        assert (story.before.width_px, story.before.height_px) == (160, 120)
        assert (story.during.width_px, story.during.height_px) == (320, 240)
        assert story.last.resolution_changes == 2, "there and back"

    def test_nothing_that_is_shown_holds_the_password(self, stories: Stories) -> None:
        shown = repr([(story.before, story.during, story.after, story.last) for story in stories.values()])
        assert CANARY not in shown
        assert quote(CANARY, safe="") not in shown


class TestTheOthers:
    @pytest.mark.parametrize("kind", KINDS)
    def test_nobody_else_notices(self, stories: Stories, kind: Kind) -> None:
        last = stories[named(kind, None)].last
        assert (last.hung, last.silent, last.frozen, last.reconnects, last.refused, last.dropped) == (0, 0, 0, 0, 0, 0)
        assert last.state == "live"

    def test_all_come_back(self, stories: Stories) -> None:
        assert {story.after.state for story in stories.values()} == {"live"}


class TestWhatIsPublished:
    def test_what_is_reported_is_in_the_log(self, stories: Stories) -> None:
        assert {name: story.last.published for name, story in stories.items()} == {
            name: len(story.frames) for name, story in stories.items()
        }

    def test_indices_count_the_pictures_of_a_camera(self, stories: Stories) -> None:
        for name, story in stories.items():
            indices = [frame.frame_index or 0 for frame in story.frames]
            assert all(one < other for one, other in pairwise(indices)), name
            assert indices[-1] + 1 <= story.last.published + story.last.dropped, f"{name}: one that nobody counted"

    def test_every_frame_has_an_id_of_its_own(self, stories: Stories) -> None:
        ids = [frame.ref.frame_id for story in stories.values() for frame in story.frames]
        assert len(set(ids)) == len(ids)

    @pytest.mark.parametrize("case", [*CASES, *((kind, None) for kind in KINDS)], ids=lambda case: named(*case))
    def test_pictures_are_whole_and_in_order(self, stories: Stories, case: tuple[Kind, Fault | None]) -> None:
        story = stories[named(*case)]
        readable = [number for number in story.numbers if number is not None]
        if case not in DAMAGED:
            assert len(readable) == len(story.numbers)
            assert set(readable) <= set(story.sent)
        if case not in SEEN_AGAIN:
            assert readable == sorted(readable)
            assert case[1] is Fault.FREEZES or len(set(readable)) == len(readable), "no picture twice"

    def test_pictures_of_mjpeg_are_published_as_they_came(self, stories: Stories) -> None:
        spec = Spec(named("mjpeg", None), "mjpeg")
        for frame, number in zip(stories[spec.name].frames, stories[spec.name].numbers, strict=True):
            assert number is not None
            assert frame.image == jpeg(spec.scene, spec.name, number, 160, 120, spec.quality)

    def test_no_more_than_was_asked_for(self, stories: Stories) -> None:
        for name, story in stories.items():
            times_s = captured_s(story.frames)
            assert all(after_s - before_s >= 0.45 / WANTED_FPS for before_s, after_s in pairwise(times_s)), name

    def test_capture_times_are_this_machines_whatever_the_cameras_clock_says(self, stories: Stories) -> None:
        for name, story in stories.items():
            for frame, at_s in zip(story.frames, captured_s(story.frames), strict=True):
                assert -15 < at_s - frame.ref.time_ms / 1000 < 0.1, name


class TestDatagrams:
    def test_pictures_come_and_a_camera_that_sends_no_more_hangs(self, tmp_path: Path) -> None:
        kinds: tuple[Kind, ...] = ("rtsp-h264", "rtsp-jpeg")
        with serving(Spec(kind, kind, CAMERA_FPS) for kind in kinds) as world:
            options = {one.name: CameraOptions(url=one.url, fps=WANTED_FPS, transport="udp", **TIMES) for one in world}
            with reading(tmp_path, options) as fleet:
                before = fleet.wait_for_all({kind: _goes_on(None) for kind in kinds})
                assert [world[kind].once(Fault.HANGS) for kind in kinds] == [1, 1]
                fleet.wait_for_all({kind: lambda now: now.hung == 1 for kind in kinds})
                fleet.wait_for_all({kind: _goes_on(before[kind]) for kind in kinds})
                fleet.stop()
                assert all(set(map(_number, fleet.frames()[kind])) <= set(world[kind].sent) for kind in kinds)


def captured_s(frames: list[Frame]) -> list[float]:
    return [datetime.fromisoformat(frame.captured_at or "").timestamp() for frame in frames]


def _number(frame: Frame) -> int | None:
    try:
        return read_number(frame.image)
    except ValueError:
        return None
