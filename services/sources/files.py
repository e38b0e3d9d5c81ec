"""Paths → sources: what a folder, an image or a video on the command line means.

Promises: a folder's images are one source, each of its videos another; images that are named one by one go by their
folder. What cannot be read is refused here, before anything is published, with a sentence; a video that cannot be read
among others that can holds none of them up: it is told.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from services.sources.images import IMAGE_SUFFIXES, ImageFiles
from services.sources.naming import checked_source_id, natural, own_name, readable, unique
from services.sources.picture import Picture, Unreadable
from services.sources.videos import VIDEO_SUFFIXES, open_video
from shared import imaging
from shared.errors import SettingsError
from shared.streams.frames import MAX_FRAME_BYTES

AT_ONCE = 8
"""Sources that are read in turns: that many videos are open at once."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_Plan = tuple[str, Sequence[Path]]
"""(name, files): one video, or images."""


class Source(Protocol):
    """Where pictures come from. `expected`: how many it will give, None when nobody knows."""

    @property
    def source_id(self) -> str: ...

    @property
    def expected(self) -> int | None: ...

    def pictures(self) -> Iterator[Picture | Unreadable]: ...


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A source that gives nothing but the reason."""

    source_id: str
    why: str
    expected: int | None = 0

    def pictures(self) -> Iterator[Picture | Unreadable]:
        yield Unreadable(self.source_id, self.why)


def open_sources(
    paths: Sequence[Path],
    source_id: str | None = None,
    fps: float | None = None,
    most_bytes: int = MAX_FRAME_BYTES,
) -> list[Source]:
    """The sources that these paths mean, with unique ids. `fps` thins videos; `source_id` names the one source there is.

    Image files that are larger than `most_bytes` are encoded anew.

    Raises SettingsError: a path that does not exist, a folder without images, a video that cannot be read.
    """
    if not paths:
        raise SettingsError("nothing to publish: expected image folders, images or video files")
    plans = _planned(paths)
    if source_id is not None and len(plans) > 1:
        raise SettingsError(f"a source id names one source, and these paths are {len(plans)}: name them one at a time")
    names = unique([name for name, _ in plans]) if source_id is None else [checked_source_id(source_id)]
    sources = [_opened(name, files, fps, most_bytes) for name, (_, files) in zip(names, plans, strict=True)]
    broken = [source for source in sources if isinstance(source, BrokenFile)]
    if len(broken) == len(sources):
        raise SettingsError(broken[0].why)
    return sources


def in_turns(sources: Sequence[Source]) -> Iterator[Picture | Unreadable]:
    """The pictures of all sources, one of each in turn, as several cameras would send them; in order within a source."""
    for start in range(0, len(sources), AT_ONCE):
        open_ones = [source.pictures() for source in sources[start : start + AT_ONCE]]
        while open_ones:
            for pictures in list(open_ones):
                yield from (one := list(islice(pictures, 1)))
                if not one:
                    open_ones.remove(pictures)


def expected(sources: Sequence[Source]) -> int | None:
    """How many pictures there will be, None when one of them cannot say."""
    counts = [source.expected for source in sources]
    return None if None in counts else sum(count for count in counts if count is not None)


def _planned(paths: Sequence[Path]) -> list[_Plan]:
    images: dict[Path, list[Path]] = {}
    plans: list[list[_Plan]] = []
    for path in paths:
        if _is_image(path):
            together = images.setdefault(path.absolute().parent, [])
            together.append(path)
            plans.append([("", together)] if len(together) == 1 else [])
        else:
            plans.append(_folder(path) if path.is_dir() else [_video(path)])
    return [(name or _images_name(files), _in_order(files)) for name, files in chain.from_iterable(plans)]


def _in_order(files: Sequence[Path]) -> list[Path]:
    """As people number files, whatever order a shell gave: the folder and its files named singly are the same frames."""
    return sorted(files, key=lambda file: (natural(file.name), file.name))


def _images_name(files: Sequence[Path]) -> str:
    return own_name(files[0], stem=True) if len(files) == 1 else own_name(files[0].absolute().parent, stem=False)


def _folder(folder: Path) -> list[_Plan]:
    files = _inside(folder)
    images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
    videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
    if not images and not videos:
        raise SettingsError(f"no images or videos in the folder {readable(str(folder))}{_hint(folder)}")
    of_images: list[_Plan] = [(own_name(folder, stem=False), images)] if images else []
    return [*of_images, *(_video(file) for file in videos)]


def _inside(folder: Path) -> list[Path]:
    try:
        names = [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".") and entry.is_file()]
    except OSError as error:
        raise SettingsError(f"the folder {readable(str(folder))} cannot be read: {error.strerror}") from error
    return _in_order([folder / name for name in names])


def _hint(folder: Path) -> str:
    """Sub-folders are not entered: each is a source of its own, and whoever means them names them."""
    deeper = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    return f"; it has sub-folders, name those: {', '.join(map(readable, deeper[:3]))}" if deeper else ""


def _video(file: Path) -> _Plan:
    return own_name(file, stem=True), [file]


def _is_image(path: Path) -> bool:
    """By name, else by content. Raises SettingsError when there is no such file, or when it may not be read."""
    try:
        if not path.is_file():
            return _missing_or_folder(path)
        if path.suffix.lower() in VIDEO_SUFFIXES:
            return False
        with path.open("rb") as file:
            return path.suffix.lower() in IMAGE_SUFFIXES or imaging.sniff(file.read(16)) is not None
    except OSError as error:
        raise SettingsError(f"{readable(str(path))[:200]} cannot be read: {error.strerror}") from error


def _missing_or_folder(path: Path) -> bool:
    if _ADDRESS.match(str(path)):  # not repeated: it may hold a password
        raise SettingsError(
            f"{str(path).partition(':')[0]}:… is a camera, expected files; `gleaner run` with its address opens it, "
            "`gleaner sources add` writes it into the settings"
        )
    if not path.is_dir():
        raise SettingsError(f"no such file or folder: {readable(str(path))}")
    return False


def _opened(name: str, files: Sequence[Path], fps: float | None, most_bytes: int) -> Source:
    if len(files) > 1 or _is_image(files[0]):
        return ImageFiles(name, files, most_bytes)
    try:
        return open_video(name, files[0], fps)
    except SettingsError as error:
        return BrokenFile(name, str(error))
