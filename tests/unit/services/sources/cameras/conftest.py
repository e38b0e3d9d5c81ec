"""Clips and waiting: what the cameras' tests share."""

import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from shared.telemetry import logs

MakeClip = Callable[..., Path]


@pytest.fixture(autouse=True)
def _cameras_tell_everything(_logs_as_they_were: None) -> None:
    logs.configure("tests", "INFO")


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Writes an H.264 clip whose picture number n is grey 4n, with a key frame every `gop` pictures."""

    def make(
        name: str = "clip.mp4",
        pictures: int = 50,
        fps: int = 25,
        gop: int = 25,
        rotation: int = 0,
        codec: str = "libx264",
        size_px: tuple[int, int] = (64, 48),
    ) -> Path:
        path = tmp_path / name
        width_px, height_px = size_px
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=fps)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = width_px, height_px
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            if codec == "libx264":
                stream.options = {"x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=2"}
            if rotation:
                stream.set_display_rotation(rotation)
            for number in range(pictures):
                pixels = np.full((height_px, width_px, 3), 4 * number % 256, np.uint8)
                pixels[: height_px // 2, : width_px // 2] = 255
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
            container.mux(stream.encode(None))
        return path

    return make


def until(done: Callable[[], bool], what: str, deadline_s: float = 20.0) -> None:
    """Waits for a condition, and says what it was when it does not come true."""
    ends_s = time.monotonic() + deadline_s
    while not done():
        if time.monotonic() > ends_s:
            raise AssertionError(f"{what}: not within {deadline_s:g} s")
        time.sleep(0.02)
