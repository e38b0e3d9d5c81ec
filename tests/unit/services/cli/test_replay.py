"""`gleaner replay` and `gleaner explain` as a person meets them: tables of 80 columns, JSON, pictures, refusals."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
import yaml

from services.cli.replaying.moments import moment_ms
from shared.errors import SettingsError
from shared.settings import load
from tests.unit.services.cli.conftest import Gleaner, as_json
from tests.unit.services.sampler.replay import living
from tests.unit.services.sampler.replay.living import Living

VALUES: dict[str, Any] = {
    "salt": living.SALT.decode(),
    "strategies": [{"type": "random", "fraction": 0.4}],
    "limits": [{"most": 9, "per": "day"}],
}
NOW_MS = living.BEGAN_MS + 3_600_000
SINCE = "2026-11-01T00:00"


@pytest.fixture
def site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    """What a sampler has made of forty frames, in the folder of the settings file."""
    (folder / "gleaner.yaml").write_text(yaml.safe_dump(VALUES))
    site = Living(folder / "gleaner-data", load(folder / "gleaner.yaml"))
    site.publish(40)
    site.live()
    yield site
    site.close()


def other(folder: Path, **more: Any) -> Path:
    path = folder / "new.yaml"
    path.write_text(yaml.safe_dump({**VALUES, **more}))
    return path


def test_the_same_settings_are_said_to_be_the_same(gleaner: Gleaner, site: Living) -> None:
    shown = gleaner("replay", "--since", SINCE).stdout
    assert "the same settings: " in shown
    assert "decisions reproduced" in shown
    assert "refused by a limit" in shown
    told = as_json(gleaner("replay", "--since", SINCE, "--settings", "gleaner.yaml", "--json"))
    assert told["same_settings"]
    assert told["new"] is None
    assert told["checked"]["reproduced"] == told["checked"]["decisions"] > 9
    assert told["old"]["kept"] == {"low": 9, "expected": 9, "high": 9}


def test_other_settings_are_laid_beside_them_in_80_columns(gleaner: Gleaner, site: Living, folder: Path) -> None:
    new = other(folder, strategies=[{"type": "random", "fraction": 0.8}], limits=[])
    shown = gleaner("replay", "--since", SINCE, "--settings", new).stdout
    tables = [line for line in shown.splitlines() if line.startswith(" ")]
    assert max(map(len, tables)) <= 80
    told = as_json(gleaner("replay", "--since", SINCE, "--settings", new, "--json"))
    changed = told["changed"]
    assert changed["lost"] == []
    assert told["old"]["kept"]["low"] + len(changed["gained"]) == told["new"]["kept"]["low"]
    assert changed["both"] == told["old"]["kept"]["low"]


def test_the_picture_shows_what_is_gained_and_lost(gleaner: Gleaner, site: Living, folder: Path) -> None:
    new = other(folder, strategies=[{"type": "random", "fraction": 0.8}], limits=[])
    assert gleaner("replay", "--since", SINCE, "--settings", new, "--picture", "p.png").exit_code == 0
    picture = cv2.imread(str(folder / "p.png"))
    assert picture is not None
    assert picture.shape[1] > 1000


def test_where_nothing_changes_there_is_no_picture(gleaner: Gleaner, site: Living, folder: Path) -> None:
    result = gleaner("replay", "--since", SINCE, "--picture", "p.png")
    assert "no picture" in result.stderr
    assert not (folder / "p.png").exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--since", "soon"), "--since: expected 2d, 6h, 30m or a time"),
        (("--since", "1h", "--until", "2h"), "expected a moment before 2h"),
        (("--collection", "yard"), "expected one of default, got 'yard'"),
        (("--settings", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    gleaner: Gleaner, site: Living, arguments: tuple[str, ...], why: str
) -> None:
    result = gleaner("replay", *arguments)
    assert (result.exit_code, why in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("command", [("replay",), ("explain", "0123456789")])
def test_without_data_nothing_is_made(gleaner: Gleaner, folder: Path, command: tuple[str, ...]) -> None:
    result = gleaner(*command)
    assert result.exit_code == 2
    assert "no data yet" in result.stderr
    assert list(folder.iterdir()) == []


def test_a_frame_is_explained_in_sentences_and_as_json(gleaner: Gleaner, site: Living) -> None:
    own = ("explain", "frame-3", "--source", "door-1", "--since", SINCE)
    shown = gleaner(*own).stdout
    assert "collection default:" in shown
    assert "the dice gave" in shown
    told = as_json(gleaner(*own, "--json"))
    (look,) = told["predictions"][0]["collections"][0]["strategies"]
    assert look["probability"] == 0.4
    assert look["drew"] == (look["dice"] < 0.4)
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [("2d", NOW_MS - 172_800_000), ("30m", NOW_MS - 1_800_000), ("2026-11-22T14:00+00:00", 1_795_356_000_000)],
)
def test_moments(text: str, expected_ms: int) -> None:
    assert moment_ms(text, "--since", NOW_MS, "UTC") == expected_ms


def test_a_moment_without_an_offset_is_of_the_settings_time_zone() -> None:
    there = moment_ms("2026-11-22T15:00", "--since", NOW_MS, "Europe/Berlin")
    assert there == moment_ms("2026-11-22T14:00", "--since", NOW_MS, "UTC")
    with pytest.raises(SettingsError, match="--until"):
        moment_ms("2026-13-01", "--until", NOW_MS, "UTC")
