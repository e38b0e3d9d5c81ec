"""The same picture again and again from one camera: informative strategies keep it once, the floor goes on, and a person gets
what a gate dropped. The sampler is killed on the way, between its decision and its word about it.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.sampler.drawing import Draw
from shared import imaging
from shared.streams.samples import Design, Revision
from tests.e2e.checks import check_tidy, redrawn, sample_id_of
from tests.e2e.swaps import MODES, opened
from tests.e2e.told import BOX, HEIGHT_PX, WIDTH_PX, Shown, Told, tell
from tests.e2e.world import World

DECIDED = "services.sampler.service:SamplerService.decide"
SAME = [Shown(seed=1, confidence=0.55)] * 15
FRACTION = 0.3
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", params=MODES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(request, tmp_path_factory.mktemp("gates") / "world") as world:
        world.values["strategies"] = [
            {"type": "random", "fraction": FRACTION},
            {"type": "below_threshold", "threshold": 0.9, "name": "doubt"},
        ]
        world.values["privacy"] = {"blur": ["package"]}
        yield world


@pytest.fixture(scope="module")
def told(world: World) -> list[Told]:
    """Thirty frames of one picture, through a sampler that dies after its first decision and comes back."""
    dies = "embedded" if world.embedded else "sampler"
    for service in world.services:
        if service != dies:
            world.start(service)
    process = world.start(dies, DECIDED, 1, "sampler")
    first = tell(world, "door", SAME)
    assert process.wait(60) == -signal.SIGKILL, world.said()
    assert world.raw("samples") == [], "it died before it published"
    world.start(dies)
    rest = tell(world, "door", SAME, first=len(SAME))
    world.drain()
    return [*first, *rest]


def designs_of(world: World) -> dict[str, Design]:
    return {one.sample_id: one for one in world.records("samples") if isinstance(one, Design)}


def test_it_is_kept_once_by_doubt_and_by_the_floor_as_if_nothing_had_been(world: World, told: list[Told]) -> None:
    first, *others = told
    draws: dict[str, Draw] = {draw.prediction_id: draw for _, draw in redrawn(world)}
    assert len(draws) == len(told), "doubt draws every frame"
    by_chance = {sample_id_of(one.prediction) for one in others if draws[one.prediction_id].on_floor}
    assert by_chance
    designs = designs_of(world)
    assert designs.keys() == by_chance | {sample_id_of(first.prediction)}
    kept = designs.pop(sample_id_of(first.prediction))
    assert (kept.gate, kept.near_duplicate, kept.probability) == (None, None, 1.0)
    for design in designs.values():
        assert design.near_duplicate is not None
        assert (design.gate, design.near_duplicate.distance) == ("near_duplicate", 0)
        assert (design.phash, design.signature) == (kept.phash, kept.signature)
        assert design.probabilities == {"random": FRACTION, "doubt": 0.0}
        assert [reason.strategy for reason in design.reasons] == ["random"]


def test_what_a_gate_dropped_is_kept_when_it_is_rejected_and_hidden_as_anything_else(
    world: World, told: list[Told]
) -> None:
    dropped = next(one for one in told if sample_id_of(one.prediction) not in designs_of(world))
    sample_id = sample_id_of(dropped.prediction)
    answer = world.judge({"prediction_id": dropped.prediction_id, "kind": "rejected", "reason": "bad_box"})
    assert answer.status_code == 202, answer.text
    world.drain()
    (revision,) = [one for one in world.records("samples") if one.sample_id == sample_id]
    assert isinstance(revision, Revision)
    assert revision.image is not None
    assert revision.image.altered[0] == "black: package 1"
    assert world.fragments().keys() == designs_of(world).keys() | {sample_id}
    for fragment in world.fragments().values():
        check_hidden(world.dataset / "images" / str(fragment["file_name"]))
    check_tidy(world, [*designs_of(world), sample_id])


def check_hidden(image: Path) -> None:
    pixels = imaging.decode(image.read_bytes())
    assert pixels.shape[:2] == (HEIGHT_PX, WIDTH_PX)
    left, top, right, bottom = map(int, BOX)
    assert pixels[top:bottom, left:right].mean() < 10, "expected black"
    assert pixels[: top - 4].mean() > 60, "expected the rest as it was"
