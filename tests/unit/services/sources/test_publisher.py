import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.sources import publisher
from services.sources.files import in_turns, open_sources
from services.sources.picture import Picture, Unreadable
from services.sources.publisher import Progress, publish
from shared.adapters.embedded.segment_log import SegmentLog
from shared.errors import InvalidMessage, Unavailable
from shared.ports import Log
from shared.streams import FRAMES
from shared.streams.frames import MAX_FRAME_BYTES, Frame, decode

Make = Callable[..., Path]


def frames_of(log: Log) -> list[Frame]:
    reader = log.reader()
    bounds = log.bounds(FRAMES.name)
    return [decode(r) for number, at in bounds.items() for r in reader.scan(FRAMES.name, number, at.start, at.end)]


def numbered(source_id: str, count: int) -> Iterator[Picture]:
    for number in range(count):
        yield Picture(source_id, f"{source_id} {number}".encode(), number, str(number))


def test_frames_arrive_whole_and_in_order(log: Log) -> None:
    both = (picture for pair in zip(numbered("door", 300), numbered("yard", 300), strict=True) for picture in pair)
    seen: list[Progress] = []
    published = publish(log, both, on_progress=seen.append)
    frames = frames_of(log)
    assert (published.frames, published.bytes, published.refused) == (600, sum(len(f.image) for f in frames), 0)
    for source_id in ("door", "yard"):
        own = [frame for frame in frames if frame.source_id == source_id]
        assert [frame.frame_index for frame in own] == list(range(300))
        assert [frame.image for frame in own] == [f"{source_id} {n}".encode() for n in range(300)]
    assert [progress.frames for progress in seen] == list(range(1, 601))


def test_the_same_files_published_again_are_the_same_frames(log: Log, make_image: Make, make_video: Make) -> None:
    paths = [make_image("a.jpg"), make_video()]
    for _ in range(2):
        publish(log, in_turns(open_sources(paths)))
    frames = frames_of(log)
    ids = [frame.ref.frame_id for frame in frames]
    assert len(ids) == 2 * 61
    assert ids[:61] == ids[61:]
    assert len(set(ids)) == 61


def test_what_the_log_never_takes_is_refused_and_the_rest_goes_on(log: Log) -> None:
    huge = Picture("door", b"x" * (MAX_FRAME_BYTES + 200_000), 0, "huge")
    unreadable = Unreadable("door", "2.bmp: no bitmap")
    published = publish(log, [huge, unreadable, *numbered("door", 3)])
    assert (published.frames, published.refused) == (3, 2)
    assert "2.bmp" in published.complaints[1] or "2.bmp" in published.complaints[0]
    assert [frame.frame_index for frame in frames_of(log)] == [0, 1, 2]


def test_many_sources_are_published_with_bounded_memory(log: Log) -> None:
    pictures = (Picture(f"camera {number}", b"image", 0, "0") for number in range(2_000))
    assert publish(log, pictures).frames == 2_000
    assert len(frames_of(log)) == 2_000


def test_it_waits_for_a_log_that_is_not_ready(tmp_path: Path) -> None:
    """Streams that do not exist yet are `Unavailable`: the same as a broker that is down."""
    log = SegmentLog(tmp_path / "late")
    waited, result = threading.Event(), []
    thread = threading.Thread(
        target=lambda: result.append(
            publish(log, numbered("door", 50), on_progress=lambda p: waited.set() if p.waiting_for else None)
        )
    )
    thread.start()
    assert waited.wait(20)
    log.apply()
    thread.join(20)
    assert result[0].frames == 50
    assert [frame.frame_index for frame in frames_of(log)] == list(range(50))
    log.close()


@pytest.mark.parametrize("fps", [50.0])
def test_the_rate_is_a_ceiling(log: Log, fps: float) -> None:
    started_s = time.monotonic()
    publish(log, numbered("door", 11), fps=fps)
    assert time.monotonic() - started_s >= 10 / fps


def test_a_none_settles_what_is_durable(log: Log) -> None:
    settled: list[tuple[str, object]] = []

    def pictures() -> Iterator[Picture | None]:
        yield from numbered("door", 1)
        ends_s = time.monotonic() + 20
        while not settled and time.monotonic() < ends_s:
            yield None
        assert settled == [("0", None)], "durable before the next picture comes"

    published = publish(log, pictures(), on_settled=lambda one, why: settled.append((one.producer_frame_id, why)))
    assert published.frames == 1


def test_what_is_refused_is_told(log: Log) -> None:
    settled: list[object] = []
    huge = Picture("door", b"x" * (MAX_FRAME_BYTES + 200_000), 0, "huge")
    publish(log, [huge], on_settled=lambda _, why: settled.append(type(why)))
    assert settled == [InvalidMessage]


def test_told_to_stop_it_gives_up_on_a_log_that_is_down(tmp_path: Path) -> None:
    log, stop, settled = SegmentLog(tmp_path / "late"), threading.Event(), list[object]()
    threading.Timer(0.5, stop.set).start()
    began_s = time.monotonic()
    published = publish(log, numbered("door", 3), on_settled=lambda _, why: settled.append(type(why)), stop=stop)
    assert time.monotonic() - began_s < 5
    assert (published.frames, settled) == (0, [Unavailable])
    log.close()


def test_told_to_stop_no_picture_goes_uncounted(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one in hand, while it waits for room, is neither in flight nor with whoever hands them over."""
    monkeypatch.setattr(publisher, "STOP_WITHIN_S", 0.2)
    stop, handed_over, settled = threading.Event(), list[str](), list[str]()

    def pictures() -> Iterator[Picture]:
        for picture in numbered("door", 9):
            handed_over.append(picture.producer_frame_id)
            yield picture

    with closing(sqlite3.connect(tmp_path / "log" / "log.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")

        def heard(picture: Picture, _: object) -> None:
            settled.append(picture.producer_frame_id)
            if somebody.in_transaction:
                somebody.execute("ROLLBACK")

        threading.Timer(0.3, stop.set).start()
        publish(log, pictures(), on_settled=heard, stop=stop)
    assert sorted(settled) == handed_over == ["0", "1"]


def test_a_log_that_says_nothing_is_told_before_it_is_given_up(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_QUIET_S", 0.3)
    told: list[str | None] = []
    with closing(sqlite3.connect(tmp_path / "log" / "log.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")

        def heard(progress: Progress) -> None:
            told.append(progress.waiting_for)
            if somebody.in_transaction:
                somebody.execute("ROLLBACK")

        assert publish(log, numbered("door", 1), on_progress=heard).frames == 1
    assert told == ["no acknowledgement for 0.3 s", None]


def test_what_is_in_flight_when_it_is_told_to_stop_is_finished(log: Log) -> None:
    stop = threading.Event()
    stop.set()
    assert publish(log, numbered("door", 5), stop=stop).frames == 5
