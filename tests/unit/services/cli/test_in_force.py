"""What a running gleaner says of its settings, in `status` and in `doctor`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.cli import in_force
from services.cli.doctoring.settings import settings as examined
from shared.runtime.health import Health, serve
from shared.settings import Settings
from tests.unit.services.cli.conftest import Gleaner, Site, as_json

FINE: dict[str, Any] = {"version": "0123456789ab", "origin": "gleaner.yaml", "refused": None, "at_next_start": ()}
REFUSED = {**FINE, "refused": "gleaner.yaml: prefix cannot change while it runs"}
WAITING = {**FINE, "at_next_start": ("sources", "model")}


@pytest.fixture
def running() -> Iterator[tuple[Health, int]]:
    """The health page of a gleaner that runs, and its port."""
    health = Health()
    server = serve(health, "127.0.0.1", 0)
    yield health, server.server_port
    server.shutdown()
    server.server_close()


def test_nobody_there_is_no_error(running: tuple[Health, int]) -> None:
    assert in_force.ask("http://127.0.0.1:1") is None
    assert in_force.ask(f"http://127.0.0.1:{running[1]}") is None, "who runs there takes none up"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (FINE, "settings: version 0123456789ab (gleaner.yaml) is in force"),
        (REFUSED, "! settings refused while it runs, version 0123456789ab goes on: gleaner.yaml: prefix cannot"),
        (WAITING, "settings: sources, model changed in the file and will hold from the next start"),
    ],
)
def test_status_says_which_are_in_force(
    gleaner: Gleaner, folder: Path, site: Site, running: tuple[Health, int], told: dict[str, Any], said: str
) -> None:
    health, port = running
    (folder / "gleaner.yaml").write_text(f"health: {{port: {port}}}\n")
    health.settings = lambda: told
    assert said in gleaner("status", "--no-counts").stdout
    assert as_json(gleaner("status", "--no-counts", "--json"))["settings"] == json.loads(json.dumps(told))


@pytest.mark.parametrize(("told", "states"), [(FINE, ["ok"]), (REFUSED, ["ok", "wrong"]), (WAITING, ["ok", "warning"])])
def test_the_doctor_says_what_is_wrong_with_them(
    running: tuple[Health, int], told: dict[str, Any], states: list[str]
) -> None:
    health, port = running
    health.settings = lambda: told
    assert [one.state for one in examined(Settings({"health": {"port": port}}))] == states
