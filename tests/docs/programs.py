"""Programs that the pages use and that are not ours. One that is absent is named, and in CI it is an error.

Promises: what has to be installed for the walk is installed outside of the project's environment.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.native import ToolMissing, ensure_kcat
from deploy.native.tools import find, run_to_end


def absent(name: str, tools: Path) -> str | None:
    """Why this program cannot be used here; None: it can. What is installed for it goes to the folder `tools`."""
    why = _PROGRAMS[name](tools)
    if why is not None and os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"CI needs {name}: {why}", pytrace=False)
    return why


def plain_python(tools: Path) -> None:
    """`python3` is the interpreter of this test without its environment, as a newcomer's shell has it."""
    script = tools / "python3"
    script.write_text(f'#!/bin/sh\nexec {Path(sys.base_prefix) / "bin/python3"} "$@"\n')
    script.chmod(0o755)


def gleaner_folder() -> Path:
    """Where `gleaner` and its `python` are: the environment of this test, as if the reader had activated it."""
    return Path(sys.prefix) / "bin"


def _on_path(name: str) -> Callable[[Path], str | None]:
    return lambda tools: None if find(name) else f"no {name} on the PATH"


def _kcat(tools: Path) -> str | None:
    try:
        ensure_kcat()
    except ToolMissing as why:
        return str(why)
    return None


def _uv(tools: Path) -> str | None:
    if find("uv") or (tools / "uv").exists():
        return None
    try:
        environment = tools / "uv-environment"
        run_to_end([sys.executable, "-m", "venv", str(environment)])
        run_to_end([str(environment / "bin/pip"), "install", "--quiet", "uv"])
    except (RuntimeError, subprocess.SubprocessError) as why:
        return str(why)
    (tools / "uv").symlink_to(environment / "bin/uv")
    return None


_PROGRAMS: dict[str, Callable[[Path], str | None]] = {
    "go": _on_path("go"),
    "node": _on_path("node"),
    "kcat": _kcat,
    "uv": _uv,
}
