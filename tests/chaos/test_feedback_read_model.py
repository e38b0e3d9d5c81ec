"""Feedback's read model deleted, cut short, overwritten or out of disk, while the service runs and while it is down: it is
built again, or the answer says that it cannot be read. No answer is wrong, and verdicts are taken all the while.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.feedback_client import Application
from tests.chaos.feedback_worlds import DRAWN, accuracy, drawn_and_judged, error_rate, prepared, start, url_of
from tests.e2e.world import World, embedded_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ASKING = 12
MORE = 6
DISK_KB = 4_096


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = prepared(embedded_world(tmp_path / "world"))
    yield made
    made.close()


def _write_through(file: Path) -> None:
    """As the service does every thousand pages: what is in the file then is nowhere else."""
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, "somebody reads"


def _deleted(file: Path) -> None:
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()


def _cut_short(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _emptied(file: Path) -> None:
    os.truncate(file, 0)


def _overwritten(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"\xa5" * file.stat().st_size)


def _of_a_newer_version(file: Path) -> None:
    """Nothing that we know of is in it."""
    with closing(sqlite3.connect(file)) as db:
        db.execute("ALTER TABLE samples RENAME TO samples_of_tomorrow")
        db.execute("PRAGMA user_version = 2147483647")


def test_a_file_that_was_harmed_while_it_was_down_is_built_anew(world: World) -> None:
    start(world)
    drawn_and_judged(world, Application(url_of(world), "ann"))
    known = _told(world, DRAWN)
    for harm in (_cut_short, _emptied, _overwritten, _of_a_newer_version):
        assert world.stop("feedback", signal.SIGKILL) == -signal.SIGKILL
        harm(_file(world))
        start(world)
        assert _told(world, DRAWN) == known


def test_a_file_that_is_harmed_while_it_runs_is_built_anew(world: World) -> None:
    start(world)
    ann = Application(url_of(world), "ann")
    drawn_and_judged(world, ann)
    known = _told(world, DRAWN)
    for number, harm in enumerate((_cut_short, _emptied, _overwritten, _deleted)):
        _write_through(_file(world))
        harm(_file(world))
        # A frame more, so that what is told afterwards cannot be what was remembered.
        _draw_another(world, ann, DRAWN + number)
        told = _told(world, DRAWN + number + 1)
        assert told["verified"] == known["verified"] + number + 1
        world.wait(lambda: _answers_many(url_of(world)), f"answers after it was{harm.__name__}", 40)
        assert _file(world).stat().st_size > 0
    assert world.stop("feedback") == 0


def test_a_full_disk_holds_up_answers_and_no_verdict(world: World, tmp_path: Path) -> None:
    with _small_disk(tmp_path / "disk") as disk:
        world.values["feedback"]["folder"] = str(disk)
        with _full(disk):  # there is not even room for an empty one
            start(world)
            ann = Application(url_of(world), "ann")
            drawn_and_judged(world, ann)
            assert accuracy(url_of(world)) is None
        _told(world, DRAWN)
        with _full(disk):  # it stops in the middle
            for number in range(DRAWN, DRAWN + MORE):
                said_at = datetime.now(UTC)
                _draw_another(world, ann, number)
                told = accuracy(url_of(world))
                rate = error_rate(told)
                assert told is None or rate is None or rate["verified"] > number or _as_of(told) <= said_at
        assert _told(world, DRAWN + MORE)["frames"] == DRAWN + MORE
        assert world.stop("feedback") == 0


def _as_of(told: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(told["as_of"])


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={DISK_KB}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mounted, check=False).returncode:
        pytest.skip("no disk of its own for this test: only root may mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    """Not a byte is left on it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as opened, suppress(OSError):
        while True:
            opened.write(bytes(4096))
    yield
    ballast.unlink()


def _file(world: World) -> Path:
    (found,) = (world.folder / "feedback").glob("*read-model.sqlite3")
    return found


def _draw_another(world: World, ann: Application, number: int) -> None:
    """Verdicts are taken whatever the read model does."""
    drawn_and_judged(world, ann, range(number, number + 1))


def _told(world: World, judged: int) -> dict[str, Any]:
    """The error rate once all of these are in it. Whatever is told before says that it is not current."""
    found: list[dict[str, Any]] = []

    def complete() -> bool:
        rate = error_rate(accuracy(url_of(world)))
        if rate is not None and rate["verified"] == judged:
            found.append(rate)
        return bool(found)

    world.wait(complete, f"{judged} judged frames in the accuracy", 40)
    assert found[0]["refused"] is None
    return found[0]


def _answers_many(url: str) -> bool:
    """Those who ask at one time need connections of their own, to the file that lies there now."""
    with ThreadPoolExecutor(ASKING) as pool:
        asked = [pool.submit(httpx.get, f"{url}/v1/accuracy/versions", timeout=30) for _ in range(2 * ASKING)]
        return {one.result().status_code for one in asked} == {200}
