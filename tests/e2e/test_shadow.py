"""A shadow beside the live model: same frames, its own group, its own predictions; nothing is chosen or counted by them."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services import embedded
from services.__main__ import app
from shared.streams.ids import share_of
from shared.streams.predictions import Prediction
from tests.e2e.checks import drawn
from tests.e2e.swaps import MODES, check_said_by_its_model, opened, predictions, status, version_of, versions
from tests.e2e.world import CONFIDENCES, World

FRACTION = 0.5
FRAMES = 60
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(params=MODES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with opened(request, tmp_path / "world") as world:
        (path,) = versions(tmp_path, [12])
        world.values["shadow"] = {"path": str(path), "id": "next", "fraction": FRACTION, **CONFIDENCES}
        world.start_all()
        if not world.embedded:
            world.start("shadow")
        yield world


def through(world: World) -> None:
    """Everything through every service, the shadow's group too."""
    readers = embedded.groups(world.settings)
    assert "inference-shadow-next" in readers
    world.wait_until(lambda backend: embedded.drained(backend.log, readers), "everything through")


def of_role(world: World, role: str) -> list[Prediction]:
    return [one for one in predictions(world) if one.role == role]


def shadow_path(world: World) -> Path:
    return Path(world.values["shadow"]["path"])


def test_it_predicts_its_share_and_feeds_nothing(world: World) -> None:
    published = world.publish(range(FRAMES))
    through(world)
    frames = {frame.ref.frame_id for frame in world.records("frames")}
    live, shadow = of_role(world, "live"), of_role(world, "shadow")
    assert len(live) == len(frames) == published.frames
    assert sorted(one.frame.frame_id for one in shadow) == sorted(id_ for id_ in frames if share_of(id_) < FRACTION)
    assert 0 < len(shadow) < FRAMES
    assert {(one.model_id, one.model_version) for one in shadow} == {("next", version_of(shadow_path(world)))}
    assert {one.model_id for one in live} == {"tested"}
    check_said_by_its_model(world, {version_of(shadow_path(world)): shadow_path(world)})
    check_nothing_is_fed(world)
    check_status_and_comparison(world, len(shadow))


def check_nothing_is_fed(world: World) -> None:
    """Samples and N are those of the live model alone."""
    assert set(world.kept().with_image) == drawn(world) != set()
    assert {sample.prediction.role for sample in world.records("samples")} == {"live"}
    counted = world.counts()
    assert (counted.frames.frames, counted.frames.repeated) == (FRAMES, 0)


def check_status_and_comparison(world: World, pairs: int) -> None:
    assert [(one.role, one.version) for one in status(world, "next")] == [("shadow", version_of(shadow_path(world)))]
    done = CliRunner().invoke(
        app,
        [
            "--settings",
            str(world.settings_file),
            "models",
            "compare",
            "--shadow",
            "--json",
            "--out",
            str(world.folder / "c.jpg"),
        ],
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["frames"] == pairs


def test_a_shadow_that_dies_is_not_noticed_and_goes_on_where_it_was(world: World) -> None:
    if world.embedded:  # on one box both are one process: what one kill does to it stands in tests/chaos
        world.publish(range(10))
        through(world)
        assert world.stop("embedded", signal.SIGKILL) == -signal.SIGKILL
        world.start("embedded")
    else:
        world.publish(range(10))
        through(world)
        assert world.stop("shadow", signal.SIGKILL) == -signal.SIGKILL
        world.publish(range(10, 20))
        world.drain()
        assert len({one.frame.frame_id for one in of_role(world, "live")}) == 20, "the live model waits for no shadow"
        world.start("shadow")
    world.publish(range(20, 30))
    through(world)
    frames = {frame.ref.frame_id for frame in world.records("frames")}
    assert {one.frame.frame_id for one in of_role(world, "live")} == frames
    assert {one.frame.frame_id for one in of_role(world, "shadow")} == {
        id_ for id_ in frames if share_of(id_) < FRACTION
    }
