"""Disk: is there room for what may be kept, may it be written, and does it stay?

Promises: makes no folder of the installation; the file that it writes to try is its own, and is gone afterwards.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.doctoring.places import Place, places
from shared.settings import Settings

TRIED_BYTES = 1_048_576
LEAST_FREE_BYTES = 1_000_000_000
FEW_FILES = 10_000
COUNTED_S = 5.0
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "afs"}
_FLEETING = {"tmpfs", "ramfs"}


def disk(settings: Settings) -> Iterator[Finding]:
    for place in places(settings):
        yield from _look(place)


def _look(place: Place) -> Iterator[Finding]:
    if not place.there.is_dir():
        todo = f"move that file away, or name another folder: {place.setting}"
        yield wrong(place.what, f"{place.folder} cannot be made: {place.there} is a file", todo)
        return
    problem = _writing_fault(place)
    yield problem if problem else _room(place)
    yield from _kind(place)


def _writing_fault(place: Place) -> Finding | None:
    """Writes, syncs and removes a megabyte. A folder that is not there yet: in the one that it would be made in."""
    try:
        with tempfile.NamedTemporaryFile(dir=place.there, prefix=".gleaner-doctor-") as tried:
            tried.write(bytes(TRIED_BYTES))
            tried.flush()
            os.fsync(tried.fileno())
    except OSError as error:
        todo = (
            f"give this user ({_user()}) the right to write there, make room, or name another folder: {place.setting}"
        )
        return wrong(place.what, f"cannot write in {place.there}: {error.strerror}", todo)
    return None


def _room(place: Place) -> Finding:
    free, (holds, all_of_it) = shutil.disk_usage(place.there).free, _holds(place.folder)
    held = f"holds {_amount(holds)}{'' if all_of_it else ' or more'}"
    said = f"{place.folder}{'' if place.folder.exists() else ' (not there yet)'}: {_amount(free)} free, {held}"
    still = max(0, place.may_take - holds)
    if free < LEAST_FREE_BYTES or 0 < os.statvfs(place.there).f_favail < FEW_FILES:
        return wrong(place.what, f"{said}; nearly full", f"make room, or name another folder: {place.setting}")
    if free < still:
        todo = f"make room, or name a folder on a larger disk: {place.setting}"
        return warning(place.what, f"{said}; recent frames may come to take {_amount(still)} more", todo)
    return ok(place.what, said + (f"; recent frames take at most {_amount(place.may_take)}" if place.may_take else ""))


def _kind(place: Place) -> Iterator[Finding]:
    kind = _file_system(place.there)
    if kind in _FLEETING:
        todo = f"name a folder on a disk: {place.setting}"
        yield warning(place.what, f"{place.there} is in memory ({kind}): everything is gone after a restart", todo)
    if kind in _REMOTE and place.may_take:
        todo = f"name a folder on a disk of this machine: {place.setting}; datasets may lie elsewhere"
        yield wrong(
            place.what, f"{place.there} is on another machine ({kind}): the log's locks do not work there", todo
        )


def _holds(folder: Path) -> tuple[int, bool]:
    """Bytes in the files below, and whether all were counted: a dataset may have millions, and the page is to be read soon."""
    until_s, size = time.monotonic() + COUNTED_S, 0
    for above, _, names in os.walk(folder):
        for name in names:
            size += _size(Path(above) / name)
            if time.monotonic() > until_s:
                return size, False
    return size, True


def _size(file: Path) -> int:
    """Nothing for what goes away meanwhile."""
    try:
        return file.lstat().st_blocks * 512
    except OSError:
        return 0


def _file_system(folder: Path) -> str:
    """The kind of the mount that a folder lies on, as Linux calls it; empty where it does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        return ""
    at = folder.resolve()
    above = [(where, kind) for _, where, kind, *_ in mounts if at.is_relative_to(where.replace("\\040", " "))]
    return max(above, key=lambda mount: len(mount[0]), default=("", ""))[1]


def _user() -> str:
    return f"uid {os.geteuid()}"


def _amount(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
