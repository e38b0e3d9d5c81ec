"""The cache: built once, whole or not at all, also with two runs at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.native.cache import cache_directory, cached


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_second_time_nothing_is_built() -> None:
    builds: list[Path] = []

    def build(folder: Path) -> None:
        builds.append(folder)
        (folder / "tool").write_text("whole")

    assert cached("thing", build) == cached("thing", build)
    assert (cached("thing", build) / "tool").read_text() == "whole"
    assert len(builds) == 1


def test_an_interrupted_build_leaves_nothing_behind() -> None:
    def break_off(folder: Path) -> None:
        (folder / "tool").write_text("hal")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("thing", break_off)
    assert [path.name for path in cache_directory().iterdir()] == ["thing.lock"]
    assert cached("thing", lambda folder: (folder / "tool").touch()).is_dir()


def test_two_runs_at_once_build_once() -> None:
    both_are_here = threading.Barrier(2, timeout=10)
    builds: list[Path] = []

    def run() -> Path:
        both_are_here.wait()
        return cached("thing", builds.append)

    with ThreadPoolExecutor() as pool:
        entries = {future.result() for future in [pool.submit(run), pool.submit(run)]}
    assert len(builds) == len(entries) == 1
