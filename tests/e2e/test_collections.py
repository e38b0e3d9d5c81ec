"""Two collections from one stream: each draws from its own sources, by its own strategies, for its own destination."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.streams.samples import Design
from tests.e2e.checks import redrawn, sample_id_of
from tests.e2e.swaps import MODES, opened
from tests.e2e.world import World

SETTINGS: dict[str, Any] = {
    "strategies": [],
    "collections": {
        "doors": {
            "strategies": [{"type": "random", "fraction": 0.6}],
            "sources": ["door-0", "door-1"],
            "destinations": ["first"],
        },
        "audit": {
            "strategies": [{"type": "random", "fraction": 0.4, "name": "check", "tags": ["by-chance"]}],
            "destinations": ["second"],
            "tags": ["audit"],
        },
    },
}
SEEDS = range(45)


@pytest.fixture(scope="module", params=MODES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(request, tmp_path_factory.mktemp("collections") / "world") as world:
        folders = [
            {"type": "dataset", "name": name, "folder": str(world.folder / name)} for name in ("first", "second")
        ]
        world.values |= {**SETTINGS, "destinations": folders}
        world.start_all()
        yield world


def fragments(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_bytes()) for path in (folder / "samples").glob("*.json")}


def test_each_collection_delivers_what_it_drew_where_it_belongs(world: World) -> None:
    world.publish(SEEDS)
    world.drain()
    drawn: dict[str, set[str]] = {"doors": set(), "audit": set()}
    for collection, draw in redrawn(world):
        drawn[collection].add(sample_id_of(draw.prediction, collection))
    first, second = (fragments(world.folder / name) for name in ("first", "second"))
    assert drawn == {"doors": first.keys(), "audit": second.keys()}
    assert all(drawn.values())
    assert {one["source_id"] for one in first.values()} == {"door-0", "door-1"}
    assert {one["source_id"] for one in second.values()} == {"door-0", "door-1", "door-2"}
    assert {tuple(one["tags"]) for one in first.values()} == {()}
    assert {tuple(one["tags"]) for one in second.values()} == {("audit", "by-chance")}


def test_a_frame_that_both_drew_is_two_samples_and_the_ledger_balances(world: World) -> None:
    world.drain()
    designs = [one for one in world.records("samples") if isinstance(one, Design)]
    frames = [one.prediction.frame.frame_id for one in designs]
    assert len(set(frames)) < len(frames) == len({one.sample_id for one in designs})
    assert {(one.collection, one.destinations) for one in designs} == {("doors", ("first",)), ("audit", ("second",))}
    ledger = world.counts().ledger
    assert ledger.balanced
    assert ledger.acknowledged == ledger.accepted == len(designs)
