"""The simulated cameras themselves, as FFmpeg sees them: what they show, what they count, and each fault they can have."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, get_args

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import imaging
from tests.cameras import Camera, Fault, Kind, Spec, cameras, read_number, read_number_of, serving, serving_apart
from tests.cameras.faults import POSSIBLE
from tests.cameras.picture import NUMBER_BITS, jpeg, plain

KINDS: tuple[Kind, ...] = get_args(Kind)
STREAMS: tuple[Kind, ...] = ("mjpeg", "rtsp-h264", "rtsp-jpeg")
FPS = 25.0
TIMEOUT_S = 2.0

BASE = Spec("camera", fps=FPS, gop=5, segment_s=0.2)


@contextmanager
def opened(url: str, transport: str = "tcp", timeout_s: float = TIMEOUT_S) -> Iterator["av.container.InputContainer"]:
    options = {"rtsp_transport": transport, "allowed_media_types": "video", "analyzeduration": "200000"}
    with av.open(url, timeout=(timeout_s, timeout_s), options=options) as container:
        yield container


def seen(
    camera: Camera,
    pictures: int,
    then: Callable[[], object] = lambda: None,
    transport: str = "tcp",
    timeout_s: float = TIMEOUT_S,
) -> list[int]:
    """The numbers of so many pictures; `then` is done when the first has come."""
    numbers: list[int] = []
    with opened(camera.url_with_password, transport, timeout_s) as container:
        for frame in container.decode(video=0):
            numbers.append(read_number_of(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)))
            if len(numbers) == 1:
                then()
            if len(numbers) == pictures:
                break
    return numbers


def rising(numbers: list[int]) -> bool:
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


class TestPictures:
    @given(st.integers(0, (1 << NUMBER_BITS) - 1), st.sampled_from([(160, 120), (320, 176), (1280, 720)]))
    def test_number_survives_jpeg(self, number: int, size: tuple[int, int]) -> None:
        assert read_number(jpeg(plain, "door", number, *size, 60)) == number

    def test_a_picture_without_a_number_is_said_to_have_none(self) -> None:
        with pytest.raises(ValueError, match="no number"):
            read_number(imaging.encode_jpeg(plain("door", 3, 160, 120)))


class TestKinds:
    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "snapshot"])
    def test_stream_shows_every_picture_in_order(self, kind: Kind) -> None:
        with cameras(kind=kind, fps=FPS, gop=5, segment_s=0.2) as world:
            camera = world["cam-00"]
            numbers = seen(camera, 12)
            assert rising(numbers)
            assert camera.sent[: camera.sent.index(numbers[-1]) + 1][-12:] == numbers

    def test_snapshot_gives_a_new_picture_each_time(self) -> None:
        with cameras(kind="snapshot") as world:
            camera = world["cam-00"]
            assert [seen(camera, 1)[0] for _ in range(3)] == [0, 1, 2] == camera.sent
            assert camera.connections == 3

    @pytest.mark.parametrize("kind", ["rtsp-h264", "rtsp-jpeg"])
    def test_rtsp_over_datagrams(self, kind: Kind) -> None:
        with cameras(kind=kind, fps=FPS) as world:
            assert rising(seen(world["cam-00"], 12, transport="udp"))

    @pytest.mark.parametrize("boundary", ["picture", "--picture", "-weird_1"])
    @pytest.mark.parametrize("content_length", [True, False])
    def test_mjpeg_with_the_quirks_of_real_cameras(self, boundary: str, content_length: bool) -> None:
        with cameras(fps=FPS, boundary=boundary, content_length=content_length) as world:
            assert rising(seen(world["cam-00"], 5))

    def test_pictures_larger_than_a_packet(self) -> None:
        large = [Spec(kind, kind, 10, 1280, 720, gop=2) for kind in ("rtsp-h264", "rtsp-jpeg")]
        with serving(large) as world:
            assert all(rising(seen(camera, 4)) for camera in world)

    def test_video_begins_again(self) -> None:
        with cameras(kind="rtsp-h264", fps=60, gop=5, wraps=10) as world:
            camera = world["cam-00"]
            assert seen(camera, 15) == [*range(10), *range(5)]
            assert rising(camera.sent), "what is counted goes on"

    def test_two_viewers_see_the_same(self) -> None:
        with cameras(fps=FPS) as world, opened(world["cam-00"].url) as first, opened(world["cam-00"].url) as second:
            shown = [next(container.demux(video=0)) for container in (first, second)]
            assert all(read_number(bytes(packet)) >= 0 for packet in shown)
            assert world["cam-00"].connections == world["cam-00"].watched == 2


class TestPasswords:
    @pytest.mark.parametrize("auth", ["basic", "digest"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_right_one_opens_and_wrong_one_does_not(self, kind: Kind, auth: str) -> None:
        with cameras(kind=kind, fps=FPS, user="joe", password="p@ss/w:rd", auth=auth) as world:
            camera = world["cam-00"]
            assert len(seen(camera, 1)) == 1
            before = camera.turned_away
            for credentials in ("", "joe:wrong@"):
                with pytest.raises(av.HTTPUnauthorizedError), opened(camera.url_with(credentials)):
                    pass
            assert camera.turned_away >= before + 2


AT_THE_DOOR: dict[Fault, type[Exception] | tuple[type[Exception], ...]] = {
    Fault.REFUSES: av.ConnectionRefusedError,
    Fault.NO_ANSWER: (av.ExitError, av.InvalidDataError),
    Fault.UNAUTHORIZED: av.HTTPUnauthorizedError,
    Fault.FORBIDDEN: av.HTTPForbiddenError,
    Fault.NOT_FOUND: av.HTTPNotFoundError,
    Fault.BUSY: (av.HTTPServerError, av.HTTPOtherClientError),
    Fault.PAGE: av.InvalidDataError,
    Fault.NO_VIDEO: av.HTTPOtherClientError,
}


class TestFaultsAtTheDoor:
    @pytest.mark.parametrize(
        ("kind", "fault"), [(kind, fault) for kind in KINDS for fault in AT_THE_DOOR if fault in POSSIBLE[kind]]
    )
    def test_meets_whoever_comes_and_ends(self, kind: Kind, fault: Fault) -> None:
        with cameras(kind=kind, fps=FPS, gop=5) as world:
            camera = world["cam-00"]
            camera.fault = fault
            with pytest.raises(AT_THE_DOOR[fault]):
                seen(camera, 1, timeout_s=0.3)
            assert camera.sent == []
            camera.fault = None
            assert rising(seen(camera, 1))

    @pytest.mark.parametrize("kind", STREAMS)
    def test_cuts_off_whoever_is_connected(self, kind: Kind) -> None:
        with cameras(kind=kind, fps=FPS, gop=5) as world:
            camera = world["cam-00"]
            assert numbers_until_the_end(camera, lambda: setattr(camera, "fault", Fault.REFUSES)) < 100


def numbers_until_the_end(camera: Camera, then: Callable[[], object]) -> int:
    try:
        return len(seen(camera, 100, then))
    except OSError:
        return len(camera.sent)


class TestFaultsOfAStream:
    @pytest.mark.parametrize("kind", STREAMS)
    def test_dies_in_the_middle_of_a_picture(self, kind: Kind) -> None:
        with cameras(kind=kind, fps=FPS, gop=5) as world:
            camera = world["cam-00"]
            numbers_until_the_end(camera, lambda: camera.once(Fault.DIES))
            assert (camera.deaths, camera.spoilt) == (1, 1)
            assert len(seen(camera, 1)) == 1, "only those who were connected"

    @pytest.mark.parametrize("fault", [Fault.HANGS, Fault.SILENT])
    @pytest.mark.parametrize("kind", STREAMS)
    def test_hangs_or_falls_silent(self, kind: Kind, fault: Fault) -> None:
        with cameras(kind=kind, fps=FPS, gop=5) as world:
            camera = world["cam-00"]
            with pytest.raises((OSError, av.ExitError)):
                seen(camera, 100, lambda: setattr(camera, "fault", fault), timeout_s=0.5)
            assert len(camera.sent) < 50
            assert camera.deaths == 0
            camera.fault = None
            assert rising(seen(camera, 3))

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "snapshot"])
    def test_freezes_and_goes_on(self, kind: Kind) -> None:
        with cameras(kind=kind, fps=FPS, gop=5, segment_s=0.2) as world:
            camera = world["cam-00"]
            numbers = seen(camera, 30, lambda: setattr(camera, "fault", Fault.FREEZES))
            assert sorted(numbers) == numbers
            assert max(numbers.count(number) for number in numbers) >= 5
            camera.fault = None
            assert len(set(seen(camera, 30))) >= 5

    def test_a_frozen_snapshot_stays_the_last_one(self) -> None:
        with cameras(kind="snapshot") as world:
            camera = world["cam-00"]
            first = seen(camera, 1)
            camera.fault = Fault.FREEZES
            assert [seen(camera, 1), seen(camera, 1)] == [first, first]
            camera.fault = None
            assert seen(camera, 1) == [first[0] + 1]

    @pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.EMPTY, Fault.TRUNCATED])
    @pytest.mark.parametrize("kind", ["mjpeg", "rtsp-jpeg", "rtsp-h264"])
    def test_spoilt_pictures_are_counted_apart(self, kind: Kind, fault: Fault) -> None:
        if fault not in POSSIBLE[kind]:
            with cameras(kind=kind) as world, pytest.raises(ValueError, match="cannot do"):
                world["cam-00"].fault = fault
            return
        with cameras(kind=kind, fps=FPS, gop=5) as world:
            camera = world["cam-00"]
            with opened(camera.url) as container:
                camera.fault = fault
                sent = len(camera.sent)
                packets = container.demux(video=0)
                while camera.spoilt < 10 and kind == "mjpeg":
                    next(packets)
                camera.fault = None
                last = next(number for number in _readable(packets) if number > sent)
            assert len(camera.sent) <= sent + last

    @pytest.mark.parametrize("kind", STREAMS)
    def test_changes_its_resolution(self, kind: Kind) -> None:
        with cameras(kind=kind, fps=FPS, gop=5) as world, opened(world["cam-00"].url) as container:
            widths = set()
            for number, frame in zip(range(40), container.decode(video=0), strict=False):
                widths.add(frame.width)
                if number == 1:
                    world["cam-00"].fault = Fault.RESIZES
            assert widths == {160, 320}

    @pytest.mark.parametrize("kind", ["rtsp-h264", "rtsp-jpeg"])
    def test_its_clock_jumps(self, kind: Kind) -> None:
        with cameras(kind=kind, fps=50, gop=5) as world, opened(world["cam-00"].url) as container:
            world["cam-00"].fault = Fault.WRONG_CLOCK
            packets = zip(range(60), container.demux(video=0), strict=False)
            times_s = [float(one.pts * one.time_base) for _, one in packets if one.pts is not None]
            steps_s = [after - before for before, after in pairwise(times_s)]
            assert max(steps_s) > 1000
            assert min(steps_s) < -1000

    def test_sixty_pictures_a_second(self) -> None:
        with cameras(fps=1) as world:
            world["cam-00"].fault = Fault.FAST
            assert rising(seen(world["cam-00"], 30))


def _readable(packets: "Iterator[av.Packet[Any]]") -> Iterator[int]:
    for packet in packets:
        try:
            for frame in packet.decode():
                yield read_number_of(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
        except (av.InvalidDataError, ValueError):
            continue  # spoilt


def test_cameras_apart_are_the_same_cameras() -> None:
    with serving_apart([BASE, Spec("other")]) as world:
        camera = world["camera"]
        with opened(camera.url) as container:
            assert read_number(bytes(next(container.demux(video=0)))) == 0
            assert camera.once(Fault.HANGS) == 1
        assert camera.counts().connections == 1
        assert camera.counts().sent[0] == 0
        world["other"].fault = Fault.REFUSES
        assert world["other"].fault is Fault.REFUSES
        with pytest.raises(av.ConnectionRefusedError), opened(world["other"].url):
            pass
