"""Context all the way: the frames around each kept one are in the dataset, once, also when the sampler is killed in between."""

import signal
from collections import defaultdict
from typing import Any

from services.sampler.context import Context
from shared.streams.predictions import Prediction
from shared.streams.samples import Design, Neighbour
from tests.e2e.checks import check_tidy, sample_id_of
from tests.e2e.world import World
from tests.unit.services.sampler.making import jpeg

CONTEXT: dict[str, Any] = {"before_s": 1, "after_s": 60, "every": 4}
"""It is killed within the minute, and then goes on."""
SETTINGS: dict[str, Any] = {
    "strategies": [{"type": "random", "fraction": 0.06}],
    "near_duplicates": {"enabled": False},
    "quality": {"enabled": False},
    "tags": ["yard"],
    "context": CONTEXT,
}
FPS = 15
HALVES = range(45), range(45, 90)


def predictions_of(world: World) -> dict[tuple[int, str], list[Prediction]]:
    """By partition and source: each frame's, in order."""
    of: dict[tuple[int, str], dict[int, Prediction]] = defaultdict(dict)
    for one in world.records("predictions"):
        of[one.frame.partition, one.source_id].setdefault(one.frame.offset, one)
    return {where: [seen for _, seen in sorted(frames.items())] for where, frames in of.items()}


def neighbours_due(world: World, designs: dict[str, Design]) -> set[str]:
    """Sample ids, by counting alone: each fourth frame of the same source, one second back and a minute on."""
    context = Context(**CONTEXT)
    due = set()
    for seen in predictions_of(world).values():
        for place, kept in enumerate(seen):
            if sample_id_of(kept) in designs:
                around = [*seen[place :: -context.every], *seen[place :: context.every]]
                due |= {sample_id_of(one) for one in around if _inside(kept, one, context)}
    return due - designs.keys()


def _inside(kept: Prediction, one: Prediction, context: Context) -> bool:
    return -context.before_ms <= one.frame.time_ms - kept.frame.time_ms <= context.after_ms


def test_neighbours_are_in_the_dataset_also_those_that_a_killed_sampler_still_wanted(world: World) -> None:
    world.publish(HALVES[0], FPS)
    world.drain()
    sampler = "embedded" if world.embedded else "sampler"
    world.stop(sampler, signal.SIGKILL)
    world.start(sampler)
    world.publish(HALVES[1], FPS)
    world.drain()

    samples = world.records("samples")
    designs = {one.sample_id: one for one in samples if isinstance(one, Design)}
    neighbours = {one.sample_id: one for one in samples if isinstance(one, Neighbour)}
    assert len(designs) >= 3, "expected some frames to be drawn: the salt and the frames are always the same"
    assert neighbours.keys() == neighbours_due(world, designs)
    assert any(_was_wanted_before_the_kill(designs[one.of], one) for one in neighbours.values())
    fragments = world.fragments()
    assert fragments.keys() == designs.keys() | neighbours.keys()
    for sample_id, one in neighbours.items():
        _check(world, fragments[sample_id], one, designs[one.of])


def _was_wanted_before_the_kill(design: Design, neighbour: Neighbour) -> bool:
    return _seed(design.prediction) in HALVES[0] and _seed(neighbour.prediction) in HALVES[1]


def _check(world: World, fragment: dict[str, Any], one: Neighbour, kept: Design) -> None:
    assert (fragment["neighbour_of"], fragment["after_ms"]) == (one.of, one.after_ms)
    assert (fragment["tags"], fragment["reasons"], fragment["probability"]) == (["yard"], [], None)
    assert one.after_ms == one.prediction.frame.time_ms - kept.prediction.frame.time_ms
    assert one.prediction.source_id == kept.prediction.source_id
    assert (world.dataset / "images" / fragment["file_name"]).read_bytes() == jpeg(_seed(one.prediction))


def _seed(prediction: Prediction) -> int:
    return int((prediction.producer_frame_id or "").removeprefix("frame-"))


def test_they_are_counted_apart_and_nothing_is_open(world: World) -> None:
    counts, found = world.counts(), world.kept()
    neighbours = {one.sample_id for one in world.records("samples") if isinstance(one, Neighbour)}
    assert counts.samples.neighbours == {"kept": len(neighbours)}
    assert (set(found.neighbours), set(found.by_strategy)) == (neighbours, {"random"})
    assert counts.samples.kept == counts.samples.designs == len(found.with_image)
    check_tidy(world, [*found.with_image, *found.neighbours])
