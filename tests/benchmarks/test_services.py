"""Each service alone, embedded and on real servers: frames per second, CPU per frame, memory, and a yardstick's share.

Nothing here asserts a time: what is asserted is that the work was done. `docs/performance.md` keeps the figures.
"""

import os
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks import inputs, services, yardsticks
from tests.benchmarks.watching import Speed
from tests.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FRAMES = int(os.environ.get("GLEANER_BENCH_FRAMES", "480"))
BIG_FRAMES = FRAMES // 2
PREDICTIONS = int(os.environ.get("GLEANER_BENCH_PREDICTIONS", "40000"))
IDLE_FRAMES = 30
BACKENDS = [pytest.param("embedded"), pytest.param("cluster", marks=pytest.mark.servers)]
Say = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def print_it(line: str) -> None:
        with capsys.disabled():
            print(f"| {line} | load {os.getloadavg()[0]:.1f} |")

    return print_it


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> tuple[str, Servers | None]:
    return request.param, request.getfixturevalue("servers") if request.param == "cluster" else None


def row(what: str, speed: Speed) -> str:
    memory = f", {speed.rss_mb:.0f} MB" if speed.rss_mb else ""
    cpu = f"{speed.cpu_ms:.1f} ms" if speed.cpu_ms >= 1 else f"{1000 * speed.cpu_ms:.1f} µs"
    return f"{what} | {speed.per_s:,.0f}/s, {cpu} CPU each, {speed.cores:.2f} cores{memory}"


def shares(service: Speed, yardstick: Speed) -> str:
    return f"{service.per_s / yardstick.per_s:.2f} of its speed, {service.cpu_ms / yardstick.cpu_ms:.2f} × its CPU"


@pytest.mark.parametrize("model", ["demo", "big"])
def test_inference(backend: tuple[str, Servers | None], model: str, tmp_path: Path, say: Say) -> None:
    count, chosen = (FRAMES, inputs.DEMO_MODEL) if model == "demo" else (BIG_FRAMES, inputs.big_model(tmp_path))
    world = inputs.world_of(backend[0], tmp_path / "world", backend[1], model=chosen)
    with world.backend() as opened:
        inputs.send_all(opened.log, inputs.frames(count))
    bare = yardsticks.Bare(world)
    # The machine may be busy with other things: the yardsticks are taken before and after, and the better one counts.
    before = bare.runs(count // 2), bare.loop(count // 2)
    speed = services.reading(world, "inference", "frames")
    after = bare.runs(count // 2), bare.loop(count // 2)
    assert len(world.raw("predictions")) == count
    name = f"{backend[0]} inference, {model} model"
    say(row(name, speed))
    for what, one, other in zip(("bare session.run", "bare decode + run + NMS"), before, after, strict=True):
        best = max(one, other, key=lambda each: each.per_s)
        say(f"{row(f'{name}: {what}', best)}; service: {shares(speed, best)}")


def test_a_frame_when_idle(backend: tuple[str, Servers | None], tmp_path: Path, say: Say) -> None:
    world = inputs.world_of(backend[0], tmp_path, backend[1])
    whole_ms, run_ms = services.latencies_ms(world, IDLE_FRAMES)
    assert len(whole_ms) == IDLE_FRAMES
    say(
        f"{backend[0]} frame → prediction, idle | p50 {statistics.median(whole_ms):.0f} ms, "
        f"of which the model {statistics.median(run_ms):.0f} ms"
    )


def test_sampler_of_what_nobody_draws(backend: tuple[str, Servers | None], tmp_path: Path, say: Say) -> None:
    world = inputs.world_of(backend[0], tmp_path, backend[1], strategies=inputs.DRAW_NONE)
    with world.backend() as opened:
        inputs.send_all(opened.log, inputs.predictions(PREDICTIONS, opened.log.partitions("predictions")))
    before = yardsticks.consume_and_validate(world, PREDICTIONS)
    speed = services.reading(world, "sampler", "predictions")
    assert world.raw("samples") == []
    say(row(f"{backend[0]} sampler, not drawn", speed))
    say(f"{row(f'{backend[0]} sampler: bare consume + validate', before)}; service: {shares(speed, before)}")


def test_from_frames_to_a_dataset(backend: tuple[str, Servers | None], tmp_path: Path, say: Say) -> None:
    """Every frame is drawn, so that sampler and uploader have as much to do as there are frames."""
    world = inputs.world_of(backend[0], tmp_path / "world", backend[1], strategies=inputs.DRAW_ALL)
    idle_mb = {name: services.idle_mb(world, name) for name in ("inference", "sampler", "uploader", "feedback")}
    with world.backend() as opened:
        inputs.send_all(opened.log, inputs.frames(FRAMES))
    speeds = {
        "inference": services.reading(world, "inference", "frames"),
        "sampler": services.reading(world, "sampler", "predictions"),
        "uploader": services.reading(world, "uploader", "samples"),
    }
    answers = services.verdicts(world, FRAMES // 4, FRAMES // 2)
    assert len(list((world.dataset / "images").iterdir())) == FRAMES
    assert len(world.raw("verdicts")) == FRAMES // 4 + FRAMES // 2
    for name, what in (("sampler", "sampler, drawn and kept"), ("uploader", "uploader to a folder")):
        say(row(f"{backend[0]} {what}", speeds[name]))
    plain = yardsticks.read_and_write(world.dataset, tmp_path / "plain")
    say(
        f"{row(f'{backend[0]} uploader: plain read + synced write', plain)}; service: {shares(speeds['uploader'], plain)}"
    )
    say(f"{row(f'{backend[0]} feedback, {services.CALLERS} callers', answers.together)}")
    say(
        f"{backend[0]} feedback, one caller | p50 {answers.verdict_ms:.1f} ms a verdict, {answers.livez_ms:.1f} ms /livez"
    )
    ends = {**speeds, "feedback": answers.together}
    memory = "; ".join(f"{name} {idle:.0f} → {ends[name].rss_mb:.0f} MB" for name, idle in idle_mb.items())
    say(f"{backend[0]} memory, started → after {FRAMES} frames | {memory}")
