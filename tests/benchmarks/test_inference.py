"""Inference against the plainest things that do the same work, in one run: what the pipeline around a model costs.

Nothing here asserts a time: what is asserted is that the work was done. Rounds are interleaved, since a machine is never
quite alone; ratios are medians over rounds. `docs/performance.md` keeps the figures.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.inference.batching import Lanes
from services.inference.config import InferenceConfig
from services.inference.pace import frames_per_s
from services.inference.plan import Plan
from shared.adapters.embedded.segment_log import SegmentLog
from shared.imaging import decode
from shared.models.model import Model
from shared.settings import EmbeddedBackend
from tests.benchmarks import inputs, services, yardsticks
from tests.benchmarks.test_services import Say, row, say
from tests.benchmarks.watching import Speed
from tests.e2e.world import World

__all__ = ["say"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
ROUNDS = int(os.environ.get("GLEANER_BENCH_ROUNDS", "3"))
COUNTS = {"large": int(os.environ.get("GLEANER_BENCH_FRAMES", "480")) // 3, "small": 960}
MEMORY_FRAMES = int(os.environ.get("GLEANER_BENCH_MEMORY_FRAMES", "2000"))
ULTRALYTICS = os.environ.get("GLEANER_BENCH_ULTRALYTICS", "")
STAGE_RUNS = 40
BATCH_SIZES = (1, 2, 4, 8)


def chosen(size: str, folder: Path) -> dict[str, Any]:
    return inputs.big_model(folder) if size == "large" else inputs.small_model(folder)


def filled(folder: Path, model: dict[str, Any] | str, count: int, partitions: int = 1, **inference: Any) -> World:
    """A world of its own whose log holds that many frames."""
    world = inputs.world_of("embedded", folder, None, model=model, inference=inference)
    at = world.settings.common.backend
    assert isinstance(at, EmbeddedBackend)
    with closing(SegmentLog(at.folder / "log", world.settings.common.prefix)) as log:
        log.apply(partitions)
    with world.backend() as opened:
        inputs.send_all(opened.log, inputs.frames(count))
    return world


@pytest.mark.parametrize("size", COUNTS)
def test_against_the_plainest(size: str, tmp_path: Path, say: Say) -> None:
    """In each round: the bare session, the loop, Ultralytics, the service; then the medians of the service's ratios.

    Ratios of speed need a machine of one's own; those of CPU time hold under load too.
    """
    count, model = COUNTS[size], chosen(size, tmp_path)
    found: dict[str, list[tuple[float, float]]] = {}
    speeds: list[Speed] = []
    for number in range(ROUNDS):
        world = filled(tmp_path / str(number), model, count)
        bare = yardsticks.Bare(world)
        yard = {
            "bare session.run in as many lanes": bare.runs(count // 2),
            "one bare session.run with all cores": bare.alone(count // 2),
            "decode + letterbox + run + NMS in as many lanes": bare.loop(count // 2),
        }
        del bare
        if ULTRALYTICS:
            path = Path(model["path"])
            yard["Ultralytics' predict"] = yardsticks.ultralytics(ULTRALYTICS, path, tmp_path / "jpg", count // 2)
        speed = services.reading(world, "inference", "frames")
        assert len(world.raw("predictions")) == count
        speeds.append(speed)
        for what, one in yard.items():
            say(f"{row(f'round {number}, {size}: {what}', one)}; service {speed.per_s:.1f}/s, {speed.cores:.2f} cores")
            found.setdefault(what, []).append((speed.per_s / one.per_s, speed.cpu_ms / one.cpu_ms))
    say(row(f"{size} model, the service", sorted(speeds, key=lambda one: one.per_s)[len(speeds) // 2]))
    for what, ratios in found.items():
        faster, dearer = (sorted(some) for some in zip(*ratios, strict=True))
        say(
            f"{size} model, against {what} | "
            f"{statistics.median(faster):.2f} of its speed ({faster[0]:.2f} – {faster[-1]:.2f}), "
            f"{statistics.median(dearer):.2f} × its CPU ({dearer[0]:.2f} – {dearer[-1]:.2f})"
        )
    if not ULTRALYTICS:
        say("Ultralytics' predict | left out: GLEANER_BENCH_ULTRALYTICS names no interpreter that has it")


@pytest.mark.parametrize("size", COUNTS)
def test_cpu_of_each_stage(size: str, tmp_path: Path, say: Say) -> None:
    """Milliseconds of CPU a frame; outside the lanes: what the service's process spends with `model: none`."""
    world = filled(tmp_path / "world", chosen(size, tmp_path), 1)
    bare = yardsticks.Bare(world)
    model, session, images = bare.model, bare.sessions[0], [decode(image) for image in inputs.pictures()]
    preparation = model.family.preparation
    canvas, prepared = preparation.canvas(images[0])[0], model.prepare(images[0])
    outputs = model.run(session, [prepared])[0]
    stages: dict[str, Callable[[int], object]] = {
        "decode": lambda number: decode(inputs.pictures()[number % inputs.DIFFERENT]),
        "letterbox": lambda number: preparation.canvas(images[number % inputs.DIFFERENT]),
        "tensor": lambda _: preparation.tensor(canvas),
        "run": lambda _: model.run(session, [prepared]),
        "read": lambda _: model.read(outputs, prepared),
    }
    for name, stage in stages.items():
        say(f"{size} model, {name} | {statistics.median(_thread_ms(stage)):.2f} ms CPU")
    none = services.reading(filled(tmp_path / "none", "none", COUNTS["small"]), "inference", "frames")
    say(f"outside the lanes (poll, hash, JSON, log, commit) | {none.cpu_ms:.2f} ms CPU")


def _thread_ms(stage: Callable[[int], object]) -> Iterator[float]:
    for number in range(STAGE_RUNS):
        began_s = time.thread_time()
        stage(number)
        yield 1000 * (time.thread_time() - began_s)


@pytest.mark.parametrize("size", COUNTS)
def test_batch_sizes(size: str, tmp_path: Path, say: Say) -> None:
    """The lanes alone, with batches of one size after the other."""
    path = inputs.free_batch(size, tmp_path)
    found: dict[int, list[float]] = {batch: [] for batch in BATCH_SIZES}
    for _ in range(ROUNDS):
        for batch in BATCH_SIZES:
            found[batch].append(_lanes_per_s(path, batch))
    first = statistics.median(found[1])
    for batch, per_s in found.items():
        median = statistics.median(per_s)
        say(f"{size} model, batches of {batch} | {median:.1f}/s, {median / first:.2f} of batches of one")


def _lanes_per_s(path: Path, batch: int) -> float:
    raw = {"model": {"path": path, "lowest_confidence": 0.5}, "inference": {"provider": "cpu", "batch_size": batch}}
    config = InferenceConfig.model_validate(raw)
    plan = Plan.of(config.inference)
    assert config.model is not None
    lanes = Lanes(Model(config.model, plan.engine), plan)
    try:
        images = inputs.pictures()
        return frames_per_s(lanes, (images[number % len(images)] for number in range(10**9)), 4.0)
    finally:
        lanes.close()


@pytest.mark.parametrize("replicas", [1, 2])
def test_replicas(replicas: int, tmp_path: Path, say: Say) -> None:
    """The same two lanes in one process, or one in each of two: what a second replica costs on one machine."""
    lanes = {"lanes": 2 // replicas, "threads_per_lane": 1}
    world = filled(tmp_path / "world", inputs.small_model(tmp_path), COUNTS["small"], inputs.PARTITIONS, **lanes)
    speed = services.reading_together(world, "inference", "frames", replicas)
    assert len(world.raw("predictions")) == COUNTS["small"]
    say(row(f"{replicas} replica(s), {2 // replicas} lane(s) each", speed))


def test_memory_stays(tmp_path: Path, say: Say) -> None:
    world = inputs.world_of("embedded", tmp_path / "world", None, model=inputs.tiny_model(tmp_path))
    start, *then = services.memory_over(world, MEMORY_FRAMES, inputs.thumbnails(), looks=10)
    assert len(then) == 10
    growth = then[-1] / then[0] - 1
    say(
        f"memory over {MEMORY_FRAMES:,} frames | {start:.0f} MB at the start, {then[0]:.0f} after a tenth, "
        f"{then[4]:.0f} after half, {then[-1]:.0f} MB at the end: {100 * growth:+.1f} % since the first tenth"
    )
