"""Another version is compared on what people judged last: verdicts over HTTP, pixels from the log, both modes."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from services.__main__ import app
from shared.streams import PREDICTIONS
from shared.streams.predictions import Prediction, prediction_id
from tests.e2e.world import World
from tests.unit.shared.models.built_models import detector

FRAMES, JUDGED = 12, 8
pytestmark = pytest.mark.timeout(240)


def shown(world: World) -> list[tuple[str, Prediction]]:
    """Predictions that the product shows something of, with their ids."""
    found = [(record, PREDICTIONS.decode(record)) for record in world.raw(PREDICTIONS.name)]
    return [(prediction_id(record, said), said) for record, said in found if said.above_threshold()]


def compared(world: World, *arguments: object) -> Any:
    settings = ["--settings", str(world.settings_file)]
    picture = ["--out", str(world.folder / "compare.png"), "--json"]
    result = CliRunner().invoke(app, [*settings, "models", "compare", *map(str, arguments), *picture])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_on_the_frames_that_were_judged_last(world: World) -> None:
    world.publish(range(FRAMES))
    world.drain()
    some = shown(world)[:JUDGED]
    assert len(some) > 2
    for id_, said in some:
        index = said.detections.index(said.above_threshold()[0])
        answer = world.judge({"prediction_id": id_, "kind": "confirmed", "detection_index": index})
        assert answer.status_code == 202, answer.text
    world.wait(lambda: len(world.raw("verdicts")) >= len(some), "verdicts in the log")
    old, new = world.folder / "model.onnx", detector(world.folder / "other.onnx", width=12)
    told = compared(world, old, new)
    assert (told["asked"], told["frames"], told["unread"]) == (len(some), len(some), {})
    assert told["read_from"] == {"log": len(some)}
    (confirmed,) = told["verdicts"]
    assert confirmed["judged"] == confirmed["old_right"] == len(some)
    assert confirmed["worse"] == confirmed["judged"] - confirmed["new_right"]
    assert told["picture"] is not None
    assert told["frames_that_differ"] > 0
    latest = compared(world, old, old, "--judged", 2)
    assert (latest["asked"], latest["frames_that_differ"]) == (2, 0)
