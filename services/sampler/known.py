"""Known images: what a team has already is hashed and learned, so that it is not collected again.

Promises: an image is known by what it looks like, whatever its name, format or size; learning it again changes nothing; a file
that cannot be read is named and holds up nobody. Few images are in memory at once.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from services.sampler.duplicates import phash64
from services.sampler.looking import gray
from shared import imaging
from shared.errors import InvalidImage
from shared.ports.state import State
from shared.streams import keys

AS_THEY_ARE = frozenset({".jpg", ".jpeg", ".png", ".webp"})
CONVERTED = frozenset({".bmp", ".dib", ".tif", ".tiff"})
TOGETHER = 256
"""Images that are hashed before the store is called once: far less than its patience."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that gave no hash, and why."""

    file: Path
    why: str

    def __str__(self) -> str:
        return f"{self.file}: {self.why}"


@dataclass(frozen=True, slots=True)
class Learned:
    """`images` were hashed, `new` of them (by their hashes) were not known before."""

    images: int
    new: int
    unreadable: tuple[Unreadable, ...]


def image_files(paths: Sequence[Path]) -> list[Path]:
    """The images among these files and in these folders, at any depth: COCO, YOLO or no order at all."""
    found = (file for path in paths for file in (_inside(path) if path.is_dir() else [path]))
    return list(dict.fromkeys(found))


def learn(state: State, collection: str, files: Sequence[Path], on_progress: Callable[[int], None]) -> Learned:
    """`on_progress` is told how many more are done. Raises Unavailable; what was learned by then stays."""
    images, new, unreadable = 0, 0, list[Unreadable]()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for some in _chunks(files):
            read = list(pool.map(_hash, some))
            hashes = [one for one in read if isinstance(one, bytes)]
            unreadable += [one for one in read if isinstance(one, Unreadable)]
            images, new = images + len(hashes), new + state.learn(keys.known_key(collection), hashes)
            on_progress(len(some))
    return Learned(images, new, tuple(unreadable))


def _inside(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in AS_THEY_ARE | CONVERTED:
                yield Path(where, name)


def _chunks(files: Sequence[Path]) -> Iterator[list[Path]]:
    rest = iter(files)
    while some := list(islice(rest, TOGETHER)):
        yield some


def _hash(file: Path) -> bytes | Unreadable:
    try:
        return phash64(gray(_encoded(file)))
    except OSError as error:
        return Unreadable(file, error.strerror or str(error))
    except (InvalidImage, cv2.error) as error:
        return Unreadable(file, str(error))


def _encoded(file: Path) -> bytes:
    """As a frame would be published: BMP and TIFF as JPEG."""
    data = file.read_bytes()
    if imaging.sniff(data) is not None or file.suffix.lower() not in CONVERTED:
        return data
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if pixels is None:
        raise InvalidImage(f"expected a {file.suffix} image, got bytes that cannot be decoded")
    return imaging.encode_jpeg(np.asarray(pixels, np.uint8))
