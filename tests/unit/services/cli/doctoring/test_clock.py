import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest

from services.cli.doctoring.clock import clock, clock_of_log, clock_of_store
from shared.adapters.embedded.segment_log import SegmentLog
from shared.settings import Settings
from shared.streams.frames import new_frame
from tests.hosts.server import Quiet, serving


def test_this_machines_clock_is_kept_or_it_says_what_to_do() -> None:
    (found,) = clock(Settings({}))
    assert found.state == "ok" or "time service" in found.todo


def settings(folder: Path) -> Settings:
    return Settings({"backend": {"type": "embedded", "folder": str(folder)}})


def log_written(folder: Path, ahead_s: float) -> None:
    log = SegmentLog(folder / "log", now_ms=lambda: int(1000 * (time.time() + ahead_s)))
    log.apply()
    log.producer().send(new_frame("door", b"pixels")).result(10)
    log.close()


def test_without_a_log_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert list(clock_of_log(settings(tmp_path))) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ahead_s", "state"), [(-60, "ok"), (0, "ok"), (3600, "wrong")])
def test_a_record_of_the_future_means_that_the_clock_went_back(tmp_path: Path, ahead_s: float, state: str) -> None:
    log_written(tmp_path, ahead_s)
    (found,) = clock_of_log(settings(tmp_path))
    assert found.state == state, found
    assert ("went back" in found.found) == (state == "wrong")


@contextmanager
def store(off_s: float) -> Iterator[Settings]:
    """Settings of a cluster whose image buffer's clock is off."""

    class Handler(Quiet):
        def do_HEAD(self) -> None:
            self.answer(403, b"")

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time.time() + off_s, usegmt=True)

    with serving(Handler) as url:
        yield Settings({"backend": {"type": "cluster", "s3": url}})


@pytest.mark.parametrize(("off_s", "state"), [(0, "ok"), (60, "warning"), (-3600, "wrong")])
def test_the_servers_clock(off_s: float, state: str) -> None:
    with store(off_s) as settings:
        (found,) = clock_of_store(settings)
    assert found.state == state


def test_a_server_that_does_not_answer_says_no_time() -> None:
    assert list(clock_of_store(Settings({"backend": {"type": "cluster", "s3": "http://127.0.0.1:9"}}))) == []
