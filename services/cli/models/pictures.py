"""Pictures that a command names: files, or folders of them, as the bytes that the service reads.

Promises: JPEG, PNG and WebP byte for byte, BMP and TIFF as PNG; every file is told, with its bytes or why there are none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from services.sources.images import AS_JPEG, IMAGE_SUFFIXES
from shared.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Named:
    """One file. `why`: what is wrong with it, empty where there is an image."""

    path: Path
    image: bytes = b""
    why: str = ""


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files themselves; a folder stands for the images in it. Raises SettingsError for a folder without any."""
    return [file for path in paths for file in (_in_folder(path) if path.is_dir() else [path])]


def read(files: Sequence[Path]) -> Iterator[Named]:
    """One after the other, so that thousands are never in memory together."""
    return map(_read, files)


def _in_folder(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise SettingsError(f"no image in the folder {folder}: expected {', '.join(sorted(IMAGE_SUFFIXES))}")
    return found


def _read(file: Path) -> Named:
    try:
        data = file.read_bytes()
    except OSError as error:
        return Named(file, why=error.strerror or str(error))
    return Named(file, _as_png(data) if file.suffix.lower() in AS_JPEG else data)


def _as_png(data: bytes) -> bytes:
    """The same pixels; what cannot be decoded stays as it is, and the service says why it is no image."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        return data
    return data if pixels is None else cv2.imencode(".png", pixels)[1].tobytes()
