"""Forty cameras for an hour, in compressed time: one process reads them all, with flat memory and right counts.

Three are dead all along; the others die, hang, freeze and fall silent, again and again, as a seed says. The cameras live in a
process of their own. An hour is so many episodes; nothing here depends on how long they take.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from deploy.native.ports import free_port
from shared.bootstrap import open_log
from shared.settings import load
from shared.streams import frames
from shared.streams.frames import Frame
from tests.benchmarks.watching import cpu_s, memory_mb
from tests.cameras import CameraApart, Counts, Fault, Kind, Spec, read_number, serving_apart
from tests.cameras.episodes import COUNTED_AS, Director, Episode, Report, schedule

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SETTINGS = "gleaner.yaml"
SEED = 20
COMPRESSED = 36
HOUR_S = 3600 / COMPRESSED
EPISODES_EACH = 4
CAMERA_FPS, WANTED_FPS = 12.0, 6.0
TIMES = {"open_timeout_s": 5.0, "read_timeout_s": 4.0, "silent_s": 4.0, "frozen_s": 4.0, "retry_most_s": 1.0}
LIVING: tuple[tuple[Kind, int], ...] = (("mjpeg", 22), ("rtsp-h264", 7), ("rtsp-jpeg", 5), ("snapshot", 3))
DEAD = {"dead-refused": Fault.REFUSES, "dead-mute": Fault.NO_ANSWER, "dead-locked": Fault.UNAUTHORIZED}
SETTLED_S, DEADLINE_S, LOOK_EVERY_S = 2.0, 400.0, 0.25
GROWTH, SLACK_MB = 1.05, 4.0


@dataclass
class Reader:
    """`python -m services.sources`, seen from outside."""

    process: "subprocess.Popen[bytes]"
    page: str

    def reports(self) -> dict[str, Report]:
        assert self.process.poll() is None, f"it ended with {self.process.returncode}"
        try:
            said = httpx.get(self.page, timeout=10).json()
        except httpx.ConnectError:
            return {}  # it starts
        return {report["source_id"]: report for report in said}


@dataclass
class Hour:
    """What was seen of it."""

    episodes: list[Episode]
    living: list[str]
    reports: dict[str, Report] = field(default_factory=dict)
    """At the end, all being well."""
    published: dict[str, int] = field(default_factory=dict)
    """When no camera sent any more."""
    served: dict[str, Counts] = field(default_factory=dict)
    memory_mb: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    cores: float = 0.0
    wall_s: float = 0.0
    frames: dict[str, list[Frame]] = field(default_factory=dict)

    def expected(self, count: str) -> dict[str, int]:
        """How often each camera had an episode that is counted as that."""
        happened = Counter(one.camera for one in self.episodes if COUNTED_AS[one.fault] == count)
        return {name: happened[name] for name in self.living}

    def numbers(self, name: str) -> list[int]:
        return [read_number(frame.image) for frame in self.frames[name]]

    @property
    def summary(self) -> str:
        count = sum(map(len, self.frames.values()))
        faults = ", ".join(
            f"{number} {fault}" for fault, number in sorted(Counter(one.fault for one in self.episodes).items())
        )
        return (
            f"forty cameras, an hour in {self.wall_s:.0f} s: {count} frames, {faults}, 3 dead all along; one process, "
            f"{self.cores:.2f} cores, {1000 * self.cores * self.wall_s / count:.2f} ms of CPU a frame, "
            f"memory {self.memory_mb[len(self.memory_mb) // 4]:.0f} MB after a quarter, {self.memory_mb[-1]:.0f} MB at the end"
        )


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Hour:
    folder = tmp_path_factory.mktemp("forty")
    living = [
        Spec(f"{kind}-{number:02}", kind, CAMERA_FPS, wraps=1 << 19) for kind, many in LIVING for number in range(many)
    ]
    dead = [Spec(name, fps=CAMERA_FPS) for name in DEAD]
    seen = Hour(schedule(living, EPISODES_EACH, HOUR_S, SEED), [spec.name for spec in living])
    with serving_apart([*living, *dead]) as cameras:
        for name, fault in DEAD.items():
            cameras[name].fault = fault
        with reader(folder, cameras) as reading:
            _watch(seen, reading, cameras)
            _rest(seen, reading, cameras)
        seen.served = {name: camera.counts() for name, camera in cameras.items()}
    seen.frames = _frames(folder / SETTINGS)
    print(f"\n{seen.summary}")
    return seen


@contextmanager
def reader(folder: Path, cameras: Mapping[str, CameraApart]) -> Iterator[Reader]:
    port = free_port()
    settings = {
        "backend": {"type": "embedded", "folder": str(folder / "data")},
        "health": {"port": port},
        "sources": {"defaults": {"fps": WANTED_FPS, **TIMES}, **{name: camera.url for name, camera in cameras.items()}},
    }
    file = folder / SETTINGS
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with (folder / "reader.log").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.sources"],
            env={**os.environ, "GLEANER_SETTINGS": str(file)},
            stdout=said,
            stderr=said,
        )
    try:
        yield Reader(process, f"http://127.0.0.1:{port}/sources")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def _watch(seen: Hour, reading: Reader, cameras: Mapping[str, CameraApart]) -> None:
    """Until every episode is over and the living are live."""
    director, began_s = Director(cameras, seen.episodes), None
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        reports = reading.reports()
        if began_s is None and _all_live(seen, reports):
            began_s, used_s = time.monotonic(), cpu_s(reading.process.pid)
        if began_s is not None:
            director.look(time.monotonic() - began_s, reports)
            _measure(seen, reading.process.pid)
            if director.over and _all_live(seen, reports):
                break
        assert time.monotonic() < deadline_s, f"unfinished: {director.unfinished}, {reports}"
        time.sleep(LOOK_EVERY_S)
    seen.reports, seen.wall_s = reading.reports(), time.monotonic() - began_s
    seen.cores = (cpu_s(reading.process.pid) - used_s) / seen.wall_s


def _rest(seen: Hour, reading: Reader, cameras: Mapping[str, CameraApart]) -> None:
    """The cameras are switched off, and what they sent is waited for."""
    for camera in cameras.values():
        camera.fault = Fault.REFUSES
    before, still_s = seen.published, time.monotonic()
    while time.monotonic() - still_s < SETTLED_S:
        now = {name: report["published"] for name, report in reading.reports().items()}
        if now != before:
            before, still_s = now, time.monotonic()
        time.sleep(LOOK_EVERY_S)
    seen.published = before


def _all_live(seen: Hour, reports: Mapping[str, Report]) -> bool:
    return all(name in reports and reports[name]["state"] == "live" for name in seen.living)


def _measure(seen: Hour, pid: int) -> None:
    seen.memory_mb.append(memory_mb(pid))
    seen.threads.append(len(list(Path(f"/proc/{pid}/task").iterdir())))
    seen.files.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))


def _frames(settings: Path) -> dict[str, list[Frame]]:
    found: dict[str, list[Frame]] = {}
    with open_log(load(settings)) as log, closing(log.reader()) as records:
        for partition, bounds in log.bounds("frames").items():
            for record in records.scan("frames", partition, bounds.start, bounds.end):
                frame = frames.decode(record)
                found.setdefault(frame.source_id, []).append(frame)
    return found


class TestMemory:
    def test_is_flat_after_the_first_quarter(self, hour: Hour) -> None:
        quarter = len(hour.memory_mb) // 4
        after_one, last = max(hour.memory_mb[quarter : 2 * quarter]), max(hour.memory_mb[-quarter:])
        assert last <= GROWTH * after_one + SLACK_MB, hour.memory_mb[:: max(1, quarter // 5)]

    def test_no_thread_and_no_open_file_is_left_behind(self, hour: Hour) -> None:
        quarter = len(hour.threads) // 4
        assert max(hour.threads[-quarter:]) <= max(hour.threads[:quarter]) + 2
        assert max(hour.files[-quarter:]) <= max(hour.files[:quarter]) + 5


class TestCounts:
    @pytest.mark.parametrize("count", ["hung", "silent", "frozen"])
    def test_each_episode_is_counted_once(self, hour: Hour, count: str) -> None:
        assert {name: hour.reports[name][count] for name in hour.living} == hour.expected(count)

    def test_each_loss_of_a_connection_is_one_reconnection(self, hour: Hour) -> None:
        lost = [hour.expected(count) for count in ("reconnects", "hung", "silent")]
        assert {name: hour.reports[name]["reconnects"] for name in hour.living} == {
            name: sum(one[name] for one in lost) for name in hour.living
        }

    def test_what_is_reported_as_published_is_in_the_log(self, hour: Hour) -> None:
        assert {name: len(hour.frames.get(name, [])) for name in hour.published} == hour.published

    def test_each_camera_gives_what_was_asked_of_it(self, hour: Hour) -> None:
        """Of the pictures it sent about the wanted share was published, whatever happened to it."""
        for name in hour.living:
            sent = len(hour.served[name].sent)
            share = 1.0 if name.startswith("snapshot") else WANTED_FPS / CAMERA_FPS
            assert 0.6 * share * sent <= hour.published[name] <= sent, name

    def test_the_three_dead_ones_gave_nothing_and_say_why(self, hour: Hour) -> None:
        assert {name: hour.reports[name]["fault"] for name in DEAD} == {
            "dead-refused": "refused",
            "dead-mute": "no_answer",
            "dead-locked": "unauthorized",
        }
        assert all(hour.published[name] == 0 for name in DEAD)


class TestFrames:
    def test_no_frame_is_there_twice(self, hour: Hour) -> None:
        ids = [frame.ref.frame_id for of_one in hour.frames.values() for frame in of_one]
        assert len(set(ids)) == len(ids)

    def test_pictures_are_those_the_camera_sent_in_its_order(self, hour: Hour) -> None:
        for name in hour.living:
            numbers = hour.numbers(name)
            assert numbers == sorted(numbers), name
            assert set(numbers) <= set(hour.served[name].sent), name

    def test_only_a_frozen_camera_shows_a_picture_again(self, hour: Hour) -> None:
        never_frozen = [name for name, times in hour.expected("frozen").items() if times == 0]
        for name in never_frozen:
            assert len(set(hour.numbers(name))) == len(hour.frames[name]), name
        assert never_frozen, "the seed spares nobody: nothing was looked at"

    def test_all_the_living_are_live_at_the_end(self, hour: Hour) -> None:
        assert {hour.reports[name]["state"] for name in hour.living} == {"live"}
