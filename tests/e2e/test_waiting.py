"""Strategies that judge a frame by what comes later: a gap by the next frames of its source, disagreement by a shadow model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services import embedded
from services.sampler.strategies.disagreement import Disagreement
from services.sampler.strategies.scene import Scene
from shared.streams.predictions import Prediction
from shared.streams.samples import Design
from tests.e2e.checks import check_designs_follow_their_plans, drawn, sample_id_of
from tests.e2e.swaps import MODES, opened, versions
from tests.e2e.told import Shown, tell
from tests.e2e.world import CONFIDENCES, World

SEEN, MISSED = 0.8, None
STORY = [*[SEEN] * 9, *[MISSED] * 2, *[SEEN] * 4]
"""A package that two frames miss; the clip ends four frames later, one less than a gap waits for."""
FRAMES = 40
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(params=MODES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with opened(request, tmp_path / "world") as world:
        yield world


def designs_of(world: World) -> list[Design]:
    return [one for one in world.records("samples") if isinstance(one, Design)]


def test_a_gap_is_found_by_what_comes_after_it_and_the_end_of_a_clip_is_not_stuck(world: World) -> None:
    world.values["strategies"] = [{"type": "gap"}]
    world.start_all()
    told = tell(world, "door", [Shown(seed, confidence) for seed, confidence in enumerate(STORY)])
    took_s = world.drain()
    missed = {sample_id_of(one.prediction) for one, confidence in zip(told, STORY, strict=True) if confidence is MISSED}
    assert {one.sample_id for one in designs_of(world)} == missed == world.fragments().keys()
    rules = {reason.rule for one in designs_of(world) for reason in one.reasons}
    assert rules == {"an object is missing that will be back"}
    print(f"drained {took_s:.1f} s after the last frame")


def test_disagreement_with_a_real_shadow(world: World, tmp_path: Path) -> None:
    (path,) = versions(tmp_path, [12])
    world.values["shadow"] = {"path": str(path), "id": "next", **CONFIDENCES}
    world.values["strategies"] = [{"type": "disagreement"}]
    world.start_all()
    if not world.embedded:
        world.start("shadow")
    world.publish(range(FRAMES))
    readers = embedded.groups(world.settings)
    world.wait_until(lambda backend: embedded.drained(backend.log, readers), "everything through")
    shadows = {one.frame.frame_id: one for one in predictions(world, "shadow")}
    assert shadows.keys() == {one.frame.frame_id for one in predictions(world, "live")}
    assert {one.sample_id for one in designs_of(world)} == drawn(world) == world.fragments().keys() != set()
    check_designs_follow_their_plans(world)
    for design in designs_of(world):
        score = Disagreement().score(Scene(design.prediction, shadow=shadows[design.prediction.frame.frame_id]))
        assert design.scores == {"disagreement": score}
        assert design.probability == pytest.approx(score**2)
        assert "by the shadow model" in design.reasons[0].rule


def predictions(world: World, role: str) -> list[Prediction]:
    return [one for one in world.records("predictions") if one.role == role]
