import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.__main__ import SayingWhy, app
from tests.unit.services.cli.conftest import Gleaner

COMMANDS = ("init", "run", "sources", "doctor", "publish", "verdict", "status", "topics", "dead-letters", "check")


def test_version_and_help(gleaner: Gleaner) -> None:
    assert gleaner("--version").stdout.startswith("gleaner ")
    listed = gleaner("--help").stdout
    for command in ("demo", *COMMANDS):
        assert command in listed


def test_every_command_has_its_help(gleaner: Gleaner) -> None:
    for command in COMMANDS:
        result = gleaner(command, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout


@pytest.mark.parametrize("group", [(), ("sources",), ("models",), ("topics",), ("dead-letters",)])
def test_no_list_of_commands_breaks_off(gleaner: Gleaner, group: tuple[str, ...]) -> None:
    """At 80 columns: of each the first sentence, if it is short enough."""
    lines = gleaner(*group, "--help").stdout.partition("Commands:")[2].splitlines()
    assert [line for line in lines if line.endswith("...")] == []
    assert len(lines) > 2


def test_errors_are_one_line_without_a_traceback(gleaner: Gleaner) -> None:
    result = gleaner("publish", "nowhere")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr == "no such file or folder: nowhere\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limit: []\n", "unknown setting 'limit'; did you mean 'limits'?"),
        ("a: [1\n", "is no YAML"),
        ("- a\n", "expected keys and values at the top"),
        ("salt: ${NOT_THERE}\n", "needs the environment variable NOT_THERE"),
        ("backend: {type: clutser}\n", "did you mean 'cluster'?"),
    ],
)
def test_bad_settings_are_refused_in_one_line(gleaner: Gleaner, folder: Path, text: str, said: str) -> None:
    (folder / "gleaner.yaml").write_text(text)
    for command in (("status",), ("topics", "check"), ("topics", "plan"), ("dead-letters",)):
        result = gleaner(*command)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
        assert said in result.stderr


def test_a_settings_file_that_is_not_there(gleaner: Gleaner) -> None:
    result = gleaner("--settings", "nowhere.yaml", "status")
    assert result.exit_code == 2
    assert "cannot read the settings file nowhere.yaml" in result.stderr


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, gleaner: Gleaner) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SayingWhy.__mro__[1], "invoke", interrupted)
    result = gleaner("status")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_looking_makes_no_data_folder(gleaner: Gleaner, folder: Path) -> None:
    for command in (("status",), ("topics", "check"), ("dead-letters",)):
        result = gleaner(*command)
        assert result.exit_code == 2
        assert "no data in gleaner-data yet" in result.stderr
    assert list(folder.iterdir()) == []


def test_help_loads_nothing_heavy() -> None:
    heavy = "cv2", "kafka", "onnxruntime", "httpx", "fastapi"
    code = f"import sys, services.__main__; print([m for m in {heavy} if m in sys.modules])"
    started_s = time.monotonic()
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout == "[]\n"
    assert time.monotonic() - started_s < 20


def test_tracebacks_never_show_values() -> None:
    assert app.pretty_exceptions_show_locals is False
