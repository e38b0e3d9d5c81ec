"""The user's cache of downloaded jars and built binaries.

A finished entry is a folder that appeared by one rename: what was interrupted never counts as done.
Two runs at once are safe: the second waits for the first one's lock and finds the work done.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_directory() -> Path:
    """`$XDG_CACHE_HOME/gleaner/servers`, by default below `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "gleaner" / "servers"


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache; `build(empty_folder)` fills it when it is not there yet.

    What `build` raises is passed on, and then nothing is left behind.
    """
    entry = cache_directory() / name
    if not entry.is_dir():
        with _locked(entry.with_name(f"{name}.lock")):
            if not entry.is_dir():  # another run may have built it while this one waited
                _build_into(entry, build)
    return entry


def _build_into(entry: Path, build: Callable[[Path], None]) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix=f"{entry.name}.unfinished-", dir=entry.parent))
    try:
        build(unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(entry)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released by the kernel, also when this process is killed
        yield
