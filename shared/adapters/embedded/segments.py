"""Segment files: large values, appended raw, one file per writer and stream at a time.

Promises: a writer holds a `flock` on its open segment, so a segment whose lock is free is sealed. Values are checked
(length, crc32) when read; one that is missing or damaged is None.
"""

import fcntl
import os
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.adapters.embedded.lock import try_lock

INLINE_BYTES = 16 * 1024
"""Values up to this size live in the index: cheaper than a file access."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies: inline, or in a segment; `size` is None for a record without a value."""

    size: int | None
    crc: int
    inline: bytes | None = None
    segment: str | None = None
    position: int = 0


@dataclass(slots=True)
class OpenSegment:
    name: str
    descriptor: int
    size: int = 0
    dirty: bool = False
    name_durable: bool = False
    opened_s: float = field(default_factory=time.monotonic)

    def append(self, value: bytes) -> int:
        """Writes at the end as we know it, so that a write that failed half-way is written over."""
        position, rest = self.size, memoryview(value)
        while rest:
            written = os.pwrite(self.descriptor, rest, position)
            position, rest = position + written, rest[written:]
        start, self.size, self.dirty = self.size, position, True
        return start


class SegmentWriter:
    """The open segments of one producer. Belongs to the thread that writes."""

    def __init__(self, folder: Path, segment_bytes: int, segment_s: float) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._segment_s = segment_s
        self._open: dict[str, OpenSegment] = {}

    def seal_full(self) -> None:
        """Seals what is large or old enough. Between batches only: a sealed segment without a record may be unlinked."""
        oldest_s = time.monotonic() - self._segment_s
        for stream, segment in list(self._open.items()):
            if segment.size >= self._segment_bytes or segment.opened_s < oldest_s:
                os.close(self._open.pop(stream).descriptor)

    def store(self, stream: str, value: bytes | None) -> Place:
        if value is None:
            return Place(None, 0)
        crc = zlib.crc32(value)
        if len(value) <= INLINE_BYTES:
            return Place(len(value), crc, inline=value)
        segment = self._open.get(stream) or self._new(stream)
        return Place(len(value), crc, segment=segment.name, position=segment.append(value))

    def sync(self, streams: Iterable[str]) -> None:
        """Makes durable what was stored for these streams; for a new file also its name."""
        dirty = [self._open[stream] for stream in streams if stream in self._open and self._open[stream].dirty]
        for segment in dirty:
            os.fdatasync(segment.descriptor)
            segment.dirty = False
        if any(not segment.name_durable for segment in dirty):
            fsync_folder(self._folder)
        for segment in dirty:
            segment.name_durable = True

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1].descriptor)

    def _new(self, stream: str) -> OpenSegment:
        name = f"{uuid.uuid4().hex}.segment"
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._open[stream] = OpenSegment(name, descriptor)
        return self._open[stream]


class SegmentReader:
    """Reads values; opens each segment once, until the `with` ends (a kept descriptor would keep a deleted file's space)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, int] = {}

    def __enter__(self) -> "SegmentReader":
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            os.close(self._open.popitem()[1])

    def value(self, place: Place) -> bytes | None:
        """The value as it was stored; None when it is gone or damaged. Ask for no value that is None by right."""
        found = place.inline if place.segment is None else self._read(place.segment, place.position, place.size or 0)
        whole = found is not None and len(found) == place.size and zlib.crc32(found) == place.crc
        return found if whole else None

    def _read(self, segment: str, position: int, size: int) -> bytes | None:
        try:
            if segment not in self._open:
                self._open[segment] = os.open(self._folder / segment, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._open[segment], size, position)
        except FileNotFoundError:
            return None


def unlink_sealed(file: Path) -> bool:
    """Deletes a segment unless its writer still has it. Says whether it is gone."""
    with _descriptor(file) as descriptor:
        if descriptor is None:
            return True
        if not try_lock(descriptor):
            return False
        file.unlink(missing_ok=True)
        return True


def fsync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    with _descriptor(folder) as descriptor:
        if descriptor is not None:
            os.fsync(descriptor)


@contextmanager
def _descriptor(path: Path) -> Iterator[int | None]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
