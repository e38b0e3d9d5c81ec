"""Alive: does the process that wrote a name still run? So that a box that restarts need not wait for its old leases.

Promises: says `dead` only when that is certain: another boot, or the same pid namespace without that process. Where nothing
can be known (no /proc, another container) it says nothing and the lease decides.
"""

import os
import uuid
from functools import cache
from pathlib import Path

_UNKNOWN = "unknown"


def own_name() -> str:
    """A name for a member of this process: boot, pid namespace, pid and start time, and something of its own."""
    return "/".join((*_identity(os.getpid()), uuid.uuid4().hex))


def is_dead(name: str) -> bool:
    """Whether the process that made this name has certainly ended."""
    boot, namespace, pid, started, *_ = (*name.split("/"), "", "", "", "")
    if _UNKNOWN in (boot, _boot()):
        return False
    if boot != _boot():
        return True
    return namespace == _namespace() and pid.isdigit() and _started(int(pid)) != started


def _identity(pid: int) -> tuple[str, str, str, str]:
    return _boot(), _namespace(), str(pid), _started(pid)


@cache
def _boot() -> str:
    return _read(Path("/proc/sys/kernel/random/boot_id"))


@cache
def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return _UNKNOWN


def _started(pid: int) -> str:
    """Clock ticks from boot to the process's start: tells it from a later one with its pid. A zombie has ended."""
    # The name in parentheses may hold anything, so fields are counted from behind it: state is first, start is 20th.
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return _UNKNOWN if len(fields) < 20 or fields[0] in "ZX" else fields[19]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return _UNKNOWN
