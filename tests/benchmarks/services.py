"""The services, each alone in a process of its own, on input that was there before."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx

from shared.streams import PREDICTIONS
from shared.streams.predictions import prediction_id
from tests.benchmarks.watching import DEADLINE_S, Speed, cpu_s, memory_mb, speed_of, wait_for
from tests.e2e.world import DRAIN_S, World

PACE_S = 0.15
CALLERS = 8


@dataclass
class Service:
    """A service while it runs, and what it says."""

    world: World
    name: str
    process: "subprocess.Popen[bytes]"
    called: str

    def said(self) -> list[dict[str, object]]:
        lines = (self.world.folder / f"{self.called}.log").read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def has_said(self, event: str) -> bool:
        assert self.process.poll() is None, f"{self.name} ended: {self.said()[-3:]}"
        return any(line["event"] == event for line in self.said())

    def wait_until_it_works(self) -> None:
        event = "feedback.listening" if self.name == "feedback" else "partitions.assigned"
        wait_for(lambda: self.has_said(event), f"{self.name}: {event}")


@contextmanager
def service(world: World, name: str, called: str = "") -> Iterator[Service]:
    """Exactly what is deployed: `python -m services.NAME`. Asked to drain at the end. `called`: what this replica is."""
    with (world.folder / f"{called or name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"],
            env={**os.environ, **world.environment, "GLEANER_SETTINGS": str(world.settings_file)},
            stdout=log,
            stderr=log,
        )
    try:
        yield Service(world, name, process, called or name)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(DRAIN_S)
        finally:
            process.kill()


def idle_mb(world: World, name: str) -> float:
    """Memory once it is ready to work, before it has done any."""
    with service(world, name) as running:
        running.wait_until_it_works()
        return memory_mb(running.process.pid)


def reading(world: World, name: str, stream: str) -> Speed:
    """How fast a service reads a stream to its end, commits included."""
    with world.backend() as backend:
        total = sum(bounds.end for bounds in backend.log.bounds(stream).values())
        with service(world, name) as running:
            running.wait_until_it_works()
            return speed_of(running.process, lambda: sum(backend.log.committed(name, stream).values()), total)


def reading_together(world: World, name: str, stream: str, replicas: int) -> Speed:
    """The same with several processes, whose CPU time is added up. The clock starts when each has its partitions."""
    with world.backend() as backend, ExitStack() as all_of_them:
        total = sum(bounds.end for bounds in backend.log.bounds(stream).values())
        running = [all_of_them.enter_context(service(world, name, f"{name}-{number}")) for number in range(replicas)]
        for one in running:
            one.wait_until_it_works()
        before_s, started_s = [cpu_s(one.process.pid) for one in running], time.perf_counter()
        begun = sum(backend.log.committed(name, stream).values())
        wait_for(lambda: sum(backend.log.committed(name, stream).values()) >= total, f"{total} records", DEADLINE_S)
        wall_s = time.perf_counter() - started_s
        used_s = sum(cpu_s(one.process.pid) - before for one, before in zip(running, before_s, strict=True))
        return Speed(total - begun, wall_s, used_s, sum(memory_mb(one.process.pid) for one in running))


def memory_over(world: World, frames: int, images: tuple[bytes, ...], looks: int) -> list[float]:
    """Inference's memory in MB at the start, and after each of `looks` equal parts of the frames."""
    from tests.benchmarks.inputs import frames as made
    from tests.benchmarks.inputs import send_all

    each = frames // looks
    with world.backend() as backend, service(world, "inference") as running:
        running.wait_until_it_works()
        found = [memory_mb(running.process.pid)]
        for look in range(looks):
            send_all(backend.log, made(each, look * each, images))
            through = (look + 1) * each
            wait_for(
                lambda: sum(backend.log.committed("inference", "frames").values()) >= through,  # noqa: B023  waited for here
                f"{through} frames",
                DEADLINE_S * 4,
            )
            found.append(memory_mb(running.process.pid))
        return found


def latencies_ms(world: World, count: int) -> tuple[list[float], list[float]]:
    """Frame in the log → its prediction in the log, one frame at a time, and how much of that was the model's run."""
    from tests.benchmarks.inputs import frames, send_all

    with world.backend() as backend, service(world, "inference") as running:
        running.wait_until_it_works()
        for record in frames(count):
            send_all(backend.log, [record])
            time.sleep(PACE_S)
        wait_for(lambda: len(world.raw("predictions")) >= count, "the last prediction")
    found = [(record, PREDICTIONS.decode(record)) for record in world.raw("predictions")]
    return (
        [float(record.time_ms - made.frame.time_ms) for record, made in found],
        [made.timings_ms["run"] for _, made in found],
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """What feedback's callers saw: medians of one caller, and the speed with several."""

    verdict_ms: float
    livez_ms: float
    together: Speed


def verdicts(world: World, alone: int, together: int) -> Answers:
    """Every verdict is about another prediction, and answered with 202, durable."""
    judged = [prediction_id(record, PREDICTIONS.decode(record)) for record in world.raw("predictions")]
    assert len(judged) >= alone + together, f"{len(judged)} predictions to judge"
    with service(world, "feedback") as running:
        running.wait_until_it_works()
        url = str(next(line["url"] for line in running.said() if line["event"] == "feedback.listening"))
        with httpx.Client(base_url=url, timeout=30, limits=httpx.Limits(max_connections=CALLERS)) as client:
            livez_ms = [_ms(client, "GET", "/livez") for _ in range(alone)]
            alone_ms = [_ms(client, "POST", "/v1/verdicts", one) for one in judged[:alone]]
            return Answers(
                statistics.median(alone_ms),
                statistics.median(livez_ms),
                _together(client, running.process.pid, judged[alone : alone + together]),
            )


def _together(client: httpx.Client, pid: int, judged: list[str]) -> Speed:
    before_s, started_s = cpu_s(pid), time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(lambda one: _ms(client, "POST", "/v1/verdicts", one), judged))
    return Speed(len(judged), time.perf_counter() - started_s, cpu_s(pid) - before_s, memory_mb(pid))


def _ms(client: httpx.Client, method: str, path: str, judged: str = "") -> float:
    body = {"json": {"prediction_id": judged, "kind": "confirmed"}} if judged else {}
    started_s = time.perf_counter()
    answer = client.request(method, path, **body)  # type: ignore[arg-type]
    took_ms = 1000 * (time.perf_counter() - started_s)
    assert answer.status_code == (202 if judged else 200), answer.text
    return took_ms
