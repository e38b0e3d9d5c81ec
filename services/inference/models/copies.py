"""Folders for the copies that versions are loaded from: there while a version is being loaded, gone afterwards.

Promises: what a process left that was killed in the midst of it is deleted by the next one, so that a machine that runs out of
memory while it loads, again and again, does not fill its disk as well.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from shared.errors import Unavailable

PREFIX = "gleaner-model-"
ABANDONED_S = 60.0
"""Younger ones may be those of a process that cannot be seen from here, in another container."""


@contextmanager
def folder() -> Iterator[Path]:
    """An empty one. Raises Unavailable where none can be made."""
    try:
        _delete_abandoned()
        made = TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")
    except OSError as why:
        raise Unavailable("folder for temporary files", f"{why}; TMPDIR names another one") from why
    with made as name:
        yield Path(name)


def _delete_abandoned() -> None:
    for left in Path(gettempdir()).glob(f"{PREFIX}*-*"):
        if not _alive(left.name.removeprefix(PREFIX).partition("-")[0]) and _age_s(left) > ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: str) -> bool:
    """Whether that process may still be there; what is no number is nobody's business."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OverflowError, PermissionError):
        return True
    return True


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
