"""Small images and videos, made where the test wants them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.adapters.embedded.segment_log import SegmentLog
from shared.ports import Log

MakeImage = Callable[..., Path]


@pytest.fixture
def make_image(tmp_path: Path) -> MakeImage:
    """Writes a flat image of that grey, by the name's format."""

    def make(name: str, grey: int = 0, width_px: int = 32, height_px: int = 24) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        encoded = cv2.imencode(path.suffix, np.full((height_px, width_px, 3), grey, np.uint8))[1]
        path.write_bytes(encoded.tobytes())
        return path

    return make


@pytest.fixture
def make_video(tmp_path: Path) -> MakeImage:
    """Writes a Motion JPEG clip whose frame number n is grey 2n."""

    def make(name: str = "clip.avi", frames: int = 60, fps: float = 30.0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
        for number in range(frames):
            writer.write(np.full((48, 64, 3), 2 * number, np.uint8))
        writer.release()
        return path

    return make


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = SegmentLog(tmp_path / "log")
    log.apply()
    yield log
    log.close()
