"""The sampler with its default strategies and review budget, as a process, beside bare readers of the same records in one run.

Nothing here asserts a time: what is asserted is that the work was done. `docs/performance.md` keeps the figures.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from services.sampler.config import SamplerConfig
from tests.benchmarks import inputs, services, walking
from tests.benchmarks.bare import WAYS
from tests.benchmarks.watching import Speed
from tests.e2e.world import World
from tests.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PREDICTIONS = int(os.environ.get("GLEANER_BENCH_PREDICTIONS", "40000"))
ROUNDS = int(os.environ.get("GLEANER_BENCH_ROUNDS", "3"))
BACKENDS = [pytest.param("embedded"), pytest.param("cluster", marks=pytest.mark.servers)]
Say = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def print_it(line: str) -> None:
        with capsys.disabled():
            print(f"| {line} | load {os.getloadavg()[0]:.1f} |", flush=True)

    return print_it


def bare(world: World, how: str, total: int) -> Speed:
    """What a process takes that reads all of it that way."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bare", how, str(total)],
        env={**os.environ, **world.environment, "GLEANER_SETTINGS": str(world.settings_file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    records, wall_s, cpu_s = ran.stdout.split()
    return Speed(int(records), float(wall_s), float(cpu_s))


def row(speed: Speed) -> str:
    return (
        f"{1000 * speed.cpu_ms:.1f} µs CPU, {1 / speed.cpu_ms * 1000:,.0f} per core; {speed.per_s:,.0f}/s by the clock"
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_default_sampler(backend: str, request: pytest.FixtureRequest, tmp_path: Path, say: Say) -> None:
    servers: Servers | None = request.getfixturevalue("servers") if backend == "cluster" else None
    ratios: dict[str, list[float]] = {how: [] for how in WAYS}
    best: dict[str, float] = {}
    for number in range(ROUNDS):
        world = inputs.world_of(backend, tmp_path / str(number), servers)
        del world.values["strategies"]
        defaults = SamplerConfig()
        assert world.settings.read(SamplerConfig).strategies == defaults.strategies
        with world.backend() as opened:
            inputs.send_all(opened.log, walking.predictions(PREDICTIONS, opened.log.partitions("predictions")))
        # One after the other, in one run: what else the machine does meets all of them.
        speeds = {how: bare(world, how, PREDICTIONS) for how in WAYS}
        sampler = services.reading(world, "sampler", "predictions")
        best["sampler"] = min(best.get("sampler", sampler.cpu_ms), sampler.cpu_ms)
        say(f"{backend} sampler, default strategies | {row(sampler)}; {len(world.raw('samples'))} drawn")
        for how, speed in speeds.items():
            ratios[how].append(sampler.cpu_ms / speed.cpu_ms)
            best[how] = min(best.get(how, speed.cpu_ms), speed.cpu_ms)
            say(f"{backend} bare {how} | {row(speed)}; the sampler: {ratios[how][-1]:.2f} × its CPU")
    medians = ", ".join(f"{median(of):.2f} × {how}" for how, of in ratios.items())
    say(f"{backend} sampler, default strategies, medians of {ROUNDS} | {medians}")
    bests = ", ".join(f"{how} {1000 * cpu_ms:.1f} µs" for how, cpu_ms in best.items())
    say(f"{backend} CPU of a prediction, the best of {ROUNDS} rounds each | {bests}")
