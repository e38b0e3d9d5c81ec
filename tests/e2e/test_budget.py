"""The default strategies on a review budget, all the way: about as much is kept as was asked for, replicas draw by one plan,
each design carries its probabilities, and what the floor drew gives the number of frames.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.sampler.config import SamplerConfig
from shared.streams.samples import Design
from shared.streams.tallies import totals
from tests.e2e.checks import check_designs_follow_their_plans, check_tidy
from tests.e2e.swaps import MODES, opened
from tests.e2e.world import World

PER_S = 3.0
FRAMES, FPS = 480, 24.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", params=MODES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """After twenty seconds of frames; in the cluster several samplers share them."""
    with opened(request, tmp_path_factory.mktemp("budget") / "world") as world:
        del world.values["strategies"]
        world.values |= {"review": f"{PER_S * 3600:g}/hour", "sampler": {"declared_fps": FPS}}
        world.start_all()
        if not world.embedded:
            for number in (2, 3):
                world.start("sampler", name=f"sampler-{number}")
            world.wait(lambda: _sharing(world) > 1, "more than one sampler with predictions to draw from")
        world.feedback_url()
        world.wait_until_up()
        world.wait(lambda: _given(world, "frames/") and _given(world, "predictions/"), "everybody at work")
        world.publish(range(FRAMES), FPS)
        world.drain()
        assert {name: world.stop(name) for name in list(world.processes)}.keys() >= set(world.services)
        yield world


def _given(world: World, stream: str) -> bool:
    return any(_was_given(log, stream) for log in world.folder.glob("*.log"))


def _sharing(world: World) -> int:
    """How many samplers were given partitions of predictions."""
    return sum(_was_given(log, "predictions/") for log in world.folder.glob("*-sampler*.log"))


def _was_given(log: Path, stream: str) -> bool:
    return any(stream in line for line in log.read_text().splitlines() if "partitions.assigned" in line)


@pytest.fixture(scope="module")
def designs(world: World) -> list[Design]:
    return [one for one in world.records("samples") if isinstance(one, Design)]


def test_about_as_much_is_kept_as_was_asked_for(world: World, designs: list[Design]) -> None:
    times_ms = [one.frame.time_ms for one in world.records("predictions")]
    wanted = PER_S * (max(times_ms) - min(times_ms)) / 1000
    kept = sum(one.image is not None for one in designs)
    print(f"{kept} kept of {len(times_ms)} frames, asked for {wanted:.0f}")
    assert wanted - 4 * wanted**0.5 < kept < wanted + 4 * wanted**0.5
    assert world.kept().by_strategy.keys() >= {"random", "uncertain"}
    check_tidy(world, world.kept().with_image)


def test_every_design_follows_the_one_plan_of_its_epoch(world: World, designs: list[Design]) -> None:
    check_designs_follow_their_plans(world)
    assert len({one.epoch_ms for one in designs}) > 5
    assert _sharing(world) == 0 if world.embedded else _sharing(world) > 1


def test_each_design_says_how_likely_it_was_and_why(world: World, designs: list[Design]) -> None:
    gamma = {one.label: one.gamma for one in world.settings.read(SamplerConfig).strategies}
    for design in designs:
        assert design.epoch_ms is not None
        assert 0 <= design.prediction.frame.time_ms - design.epoch_ms < 60_000
        assert design.probabilities.keys() == gamma.keys()
        assert (design.gate, design.near_duplicate) == (None, None)
        assert design.phash is not None
        for label, score in design.scores.items():
            assert design.weights[label] == pytest.approx(max(score ** gamma[label], 1e-3))
        for reason in design.reasons:
            assert reason.probability == design.probabilities[reason.strategy] > 0


def test_the_floor_alone_gives_the_number_of_frames(world: World, designs: list[Design]) -> None:
    """Horvitz and Thompson: each frame that the floor drew stands for 1/π frames."""
    counted = sum(total.frames for total in totals(world.records("tallies")).values())
    assert counted == world.counts().frames.frames == FRAMES
    shares = [one.probabilities["random"] for one in designs if one.reasons[0].strategy == "random"]
    estimate = sum(1 / share for share in shares)
    error = sum((1 - share) / share**2 for share in shares) ** 0.5
    print(f"{counted} frames, estimated {estimate:.0f} ± {error:.0f}")
    assert abs(estimate - counted) < 4 * error
