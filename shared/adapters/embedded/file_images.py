"""The image buffer on one box: a file per key, below one folder.

Promises: `shared.ports.images`; a file is written aside, synced, renamed and its folder synced, so nobody ever sees half of
one. The content type goes by the key's ending and is not stored. What a crash left aside is never listed, and is
deleted at an opening once it is an hour old.
"""

import os
import re
import stat
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.adapters.embedded.database import said_as_unavailable
from shared.adapters.embedded.segments import fsync_folder
from shared.ports.images import ImageInfo

_SEGMENT = re.compile(r"[A-Za-z0-9_=@%+,~-][A-Za-z0-9_.=@%+,~-]{0,249}", re.ASCII)
_ASIDE = ".aside"
_OLD_S = 3600.0
_LONGEST_KEY = 1024
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FileImages:
    """`prefix` goes before every key, as it is. Safe to share among threads and processes."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self._folder = folder
        self._aside = folder / _ASIDE
        self._prefix = prefix
        with said_as_unavailable("image buffer"):
            self._aside.mkdir(parents=True, exist_ok=True)
            self._clean()

    def put(self, key: str, data: bytes, content_type: str) -> None:
        file = self._file(key)
        with said_as_unavailable("image buffer"):
            if not _holds(file, data):
                write_durably(file, data, self._aside)
            fsync_folder(file.parent)  # also when the bytes were there: whoever put them may have died before this

    def get(self, key: str) -> bytes | None:
        file = self._file(key)
        with said_as_unavailable("image buffer"):
            try:
                return file.read_bytes()
            except _ABSENT:
                return None

    def stat(self, key: str) -> ImageInfo | None:
        with said_as_unavailable("image buffer"):
            return _info(key, self._file(key))

    def delete(self, key: str) -> None:
        file = self._file(key)
        with said_as_unavailable("image buffer"):
            try:
                file.unlink()
            except _ABSENT:
                return
            fsync_folder(file.parent)

    def list(self, prefix: str = "") -> Iterator[ImageInfo]:
        with said_as_unavailable("image buffer"):
            for key in _walk(self._folder, "", self._prefix + prefix):
                info = _info(key.removeprefix(self._prefix), self._folder / key)
                if info is not None:  # deleted since it was listed
                    yield info

    def check(self) -> Sequence[str]:
        """A folder has nothing to be set up."""
        return []

    def ping(self) -> None:
        with said_as_unavailable("image buffer"):
            os.listdir(self._aside)

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _file(self, key: str) -> Path:
        """Keys cannot leave the folder, nor name what lies aside: no segment begins with a dot."""
        path = self._prefix + key
        if len(path) > _LONGEST_KEY or not all(_SEGMENT.fullmatch(segment) for segment in path.split("/")):
            raise ValueError(
                f"image key: expected segments of A-Z a-z 0-9 _.=@%+,~- (no leading dot), got {key[:200]!r}"
            )
        return self._folder / path

    def _clean(self) -> None:
        old = time.time() - _OLD_S
        for file in self._aside.iterdir():
            info = _info(file.name, file)
            if info is not None and info.modified_ms < 1000 * old:
                file.unlink(missing_ok=True)


def _holds(file: Path, data: bytes) -> bool:
    try:
        return file.stat().st_size == len(data) and file.read_bytes() == data
    except _ABSENT:
        return False


def _info(key: str, file: Path) -> ImageInfo | None:
    try:
        found = file.stat()
    except _ABSENT:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return ImageInfo(key, found.st_size, found.st_mtime_ns // 1_000_000)


def write_durably(file: Path, data: bytes, aside: Path) -> None:
    """Written in the folder `aside`, synced, renamed: nobody ever sees half of it. The caller syncs the file's folder."""
    written = aside / uuid.uuid4().hex
    try:
        with written.open("wb") as writing:
            writing.write(data)
            writing.flush()
            os.fsync(writing.fileno())
        _make_folder(file.parent)
        written.replace(file)
    finally:
        written.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Makes a folder and those above it, each name durable."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync_folder(folder.parent)


def _walk(folder: Path, above: str, prefix: str) -> Iterator[str]:
    """Keys in the order of their characters: a folder sorts as its name with a slash, so `a-b` comes before `a/b`."""
    try:
        with os.scandir(folder) as found:
            names = [above + each.name + "/" * each.is_dir() for each in found if not each.name.startswith(".")]
    except FileNotFoundError:  # deleted since it was listed
        return
    for name in sorted(names):
        if name.endswith("/") and (name.startswith(prefix) or prefix.startswith(name)):
            yield from _walk(folder / Path(name).name, name, prefix)
        elif name.startswith(prefix) and not name.endswith("/"):
            yield name
