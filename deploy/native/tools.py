"""The programs that servers are built with, found on the PATH or installed from Debian.

A missing one raises `ToolMissing` with what to install; nothing is installed without root and apt-get.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class ToolMissing(RuntimeError):
    """A program that is needed is neither there nor installable; the message says which."""


def find(*names: str) -> str | None:
    """The path of the first of these programs that is on the PATH."""
    return next((path for name in names if (path := shutil.which(name))), None)


def need(name: str, why: str) -> str:
    """The path of a program. Raises ToolMissing."""
    if path := find(name):
        return path
    raise ToolMissing(f"expected `{name}` on the PATH ({why}), found none")


def can_install() -> bool:
    """May this process install Debian packages?"""
    return os.geteuid() == 0 and find("apt-get") is not None


def ensure_debian(package: str, *programs: str) -> str:
    """The first of `programs` on the PATH, after installing `package` when there is none. Raises ToolMissing."""
    if path := find(*programs):
        return path
    if not can_install():
        raise ToolMissing(f"expected {' or '.join(programs)} on the PATH: `apt-get install {package}` as root")
    _apt_get("update")
    _apt_get("install", "--yes", "--no-install-recommends", package)
    return need(programs[0], f"Debian package {package}")


def ensure_kcat() -> str:
    """The path of `kcat`, Kafka's command-line client from outside our own code. Raises ToolMissing."""
    return ensure_debian("kcat", "kcat")


def run_to_end(command: Sequence[str], environment: Mapping[str, str] | None = None, timeout_s: float = 1800) -> str:
    """What the command printed. Raises RuntimeError with its last lines when it fails, or takes too long."""
    program = Path(command[0]).name
    try:
        done = _run(command, {**os.environ, **(environment or {})}, timeout_s)
    except subprocess.TimeoutExpired as late:
        raise RuntimeError(f"expected {program} to end within {timeout_s} s: {' '.join(command[:4])}") from late
    if done.returncode != 0:
        last_lines = "\n".join(done.stdout.splitlines()[-20:])
        raise RuntimeError(f"expected {program} to succeed, got status {done.returncode}:\n{last_lines}")
    return done.stdout


def _run(command: Sequence[str], environment: Mapping[str, str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
    )


def _apt_get(*arguments: str) -> None:
    wait_for_others = "DPkg::Lock::Timeout=120"
    run_to_end(["apt-get", "-qq", "-o", wait_for_others, *arguments], {"DEBIAN_FRONTEND": "noninteractive"}, 300)
