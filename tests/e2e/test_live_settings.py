"""Live settings, end to end: a changed file is taken up by running services, a bad one is refused and the old one goes on."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.bootstrap import OpenBackend
from shared.streams.samples import Design
from tests.e2e.world import World

SETTINGS: dict[str, Any] = {"strategies": [{"type": "random", "fraction": 1.0}], "tags": ["first"]}
FRAMES, MANY, FPS = 12, 240, 40.0
NEAR = {"type": "close_to_threshold", "name": "near", "epsilon": 0.004, "probability": 1.0}


def change(world: World, **values: Any) -> str:
    """Writes the file and returns the version that it now has."""
    world.values.update(values)
    return world.settings.version


def logged(world: World, event: str) -> list[dict[str, Any]]:
    """What the services said of it."""
    lines = [
        line for log in sorted(world.folder.glob("*.log")) for line in log.read_text(errors="replace").splitlines()
    ]
    return [json.loads(line) for line in lines if f'"{event}"' in line and line.startswith("{")]


def wait_for(world: World, event: str, **fields: str) -> None:
    def said() -> bool:
        return any(all(text in str(one.get(name)) for name, text in fields.items()) for one in logged(world, event))

    world.wait(said, f"{event} {fields}")


def frames(backend: OpenBackend) -> int:
    return sum(bounds.end for bounds in backend.log.bounds("frames").values())


def designs(world: World, seeds: Sequence[int]) -> list[Design]:
    """Of the frames with these numbers, once all is through."""
    world.drain()
    wanted = {f"frame-{seed}" for seed in seeds}
    samples = [one for one in world.records("samples") if one.prediction.producer_frame_id in wanted]
    assert {one.prediction.producer_frame_id for one in samples} == wanted, "every frame is drawn"
    return samples


def published(world: World, first: int) -> list[Design]:
    seeds = range(first, first + FRAMES)
    world.publish(seeds)
    return designs(world, seeds)


def check_all(drawn: Sequence[Design], version: str, tag: str) -> None:
    assert {(one.settings_version, one.tags) for one in drawn} == {(version, (tag,))}


def test_a_changed_file_is_taken_up_while_frames_flow(world: World) -> None:
    first = world.settings.version
    check_all(published(world, 0), first, "first")
    seeds = range(100, 100 + MANY)
    with ThreadPoolExecutor(1) as alone:
        publishing = alone.submit(world.publish, seeds, FPS)
        world.wait_until(lambda backend: frames(backend) > FRAMES + FPS, "frames flow")
        second = change(world, tags=["second"])
        wait_for(world, "settings.taken", version=second)
        publishing.result()
    drawn = designs(world, seeds)
    assert {(one.settings_version, one.tags) for one in drawn} <= {(first, ("first",)), (second, ("second",))}
    check_all(published(world, 300), second, "second")


def test_a_bad_file_is_refused_and_the_old_settings_go_on(world: World) -> None:
    before = world.settings.version
    change(world, strategies=[{"type": "randm", "fraction": 1.0}])
    wait_for(world, "settings.refused", why="did you mean 'random'", goes_on=before)
    check_all(published(world, 400), before, "second")
    check_said_once(world, "randm")


def check_said_once(world: World, text: str) -> None:
    """By each sampler: the file was written again meanwhile, with the same words in it."""
    assert len([one for one in logged(world, "settings.refused") if text in one["why"]]) == 1


def test_what_cannot_change_while_it_runs_is_refused_with_the_rest(world: World) -> None:
    good = SETTINGS["strategies"]
    before = change(world, strategies=good, tags=["second"])
    change(world, tags=["third"], timezone="Europe/Madrid")
    wait_for(world, "settings.refused", why="timezone cannot change while it runs")
    check_all(published(world, 500), before, "second")


def test_a_mended_file_is_taken_up(world: World) -> None:
    third = change(world, tags=["third"], timezone="UTC", strategies=[*SETTINGS["strategies"], NEAR])
    wait_for(world, "settings.taken", version=third)
    drawn = published(world, 600)
    check_all(drawn, third, "third")
    assert {reason.strategy for one in drawn for reason in one.reasons} == {"random", "near"}
    assert {name for one in drawn for name in one.probabilities} == {"random", "near"}
