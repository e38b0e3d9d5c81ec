"""Programs: found, run to their end, and what is said when they are missing or fail."""

from pathlib import Path

import pytest

from deploy.native import ToolMissing, ensure_kcat
from deploy.native.tools import run_to_end


def test_a_missing_program_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="kcat on the PATH: `apt-get install kcat` as root"):
        ensure_kcat()


def test_what_failed_is_shown_with_its_last_words() -> None:
    with pytest.raises(RuntimeError, match=r"status 3:\nno such mirror"):
        run_to_end(["sh", "-c", "echo no such mirror; exit 3"])


def test_what_takes_too_long_is_given_up() -> None:
    with pytest.raises(RuntimeError, match=r"within 0\.1 s"):
        run_to_end(["sleep", "600"], timeout_s=0.1)


def test_the_environment_is_added_to() -> None:
    assert run_to_end(["sh", "-c", "echo $COLOUR; test -n $PATH"], {"COLOUR": "blue"}) == "blue\n"
