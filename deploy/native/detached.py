"""Servers that outlive the command that started them, and the note that says which they are.

The note (`servers.json`, readable by its owner only: it holds the keys) names each by process id and start time, so
that `down` never signals a process that merely got the same number later.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from deploy.native import running
from deploy.native.process import Server

NOTE = "servers.json"
STOP_TIMEOUT_S = 20.0
POLL_S = 0.05
STATE_FIELD, START_TIME_FIELD = 0, 19  # of /proc/PID/stat, counted after the command's closing bracket


class Noted(TypedDict):
    """One running server: its process, when that started (clock ticks since boot), and how tests reach it."""

    pid: int
    started_ticks: int
    variables: dict[str, str]


def up(directory: Path, which: Sequence[str] = running.EVERY_SERVER) -> str:
    """Start what does not run yet; the lines to `export`. Raises ToolMissing, ServerFailed."""
    noted = {name: server for name, server in _read(directory).items() if is_alive(server)}
    absent = [name for name in which if name not in noted]
    for name in absent:
        shutil.rmtree(directory / name, ignore_errors=True)  # new ports, new keys: the old data cannot be served
    started = running.make(directory, absent, detached=True)
    try:
        running.start_all(started)
    except BaseException:
        running.stop_all(started)
        raise
    noted |= {name: _note(server, variables(started, name)) for name, server in started.started.items()}
    _write(directory, noted)
    return env(directory)


def env(directory: Path) -> str:
    """The lines to `export` for what runs; empty when nothing does."""
    alive = [server for server in _read(directory).values() if is_alive(server)]
    return "".join(f"export {key}={value}\n" for server in alive for key, value in server["variables"].items())


def down(directory: Path) -> list[str]:
    """Stop what `up` started here, and forget it; the names of what was stopped."""
    alive = {name: server for name, server in _read(directory).items() if is_alive(server)}
    for server in alive.values():
        _signal(server, signal.SIGTERM)
    for server in alive.values():
        if not _ended(server, STOP_TIMEOUT_S):
            _signal(server, signal.SIGKILL)
    (directory / NOTE).unlink(missing_ok=True)
    return list(alive)


def variables(started: running.Running, name: str) -> dict[str, str]:
    """How tests find a server: the environment variables that `tests/servers.py` reads."""
    if name == "kafka":
        return {"GLEANER_TEST_KAFKA": started.kafka.address}
    if name == "redis":
        return {"GLEANER_TEST_REDIS": started.redis.url}
    minio = started.minio
    keys = {"GLEANER_TEST_S3_ACCESS_KEY": minio.access_key, "GLEANER_TEST_S3_SECRET_KEY": minio.secret_key}
    return {"GLEANER_TEST_S3": minio.endpoint, **keys}


def is_alive(server: Noted) -> bool:
    """Does the very process that was noted still run?"""
    fields = _stat(server["pid"])
    return bool(fields) and fields[STATE_FIELD] != "Z" and int(fields[START_TIME_FIELD]) == server["started_ticks"]


def _note(server: Server, found_by: dict[str, str]) -> Noted:
    pid = server.pid
    if pid is None:
        raise RuntimeError(f"expected {server.name} to run, it ended; see {server.log_path}")
    return {"pid": pid, "started_ticks": int(_stat(pid)[START_TIME_FIELD]), "variables": found_by}


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the command's name, before it, may hold spaces


def _signal(server: Noted, number: signal.Signals) -> None:
    if is_alive(server):
        os.killpg(server["pid"], number)


def _ended(server: Noted, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while is_alive(server) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return not is_alive(server)


def _read(directory: Path) -> dict[str, Noted]:
    note = directory / NOTE
    if not note.exists():
        return {}
    noted: dict[str, Noted] = json.loads(note.read_text())
    return noted


def _write(directory: Path, noted: dict[str, Noted]) -> None:
    unfinished = directory / f"{NOTE}.unfinished"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as note:
        json.dump(noted, note, indent=2)
    unfinished.rename(directory / NOTE)
