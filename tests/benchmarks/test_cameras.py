"""What a camera costs: CPU per second of a video stream at one published frame a second, against the plain OpenCV loop."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import pytest

from services.sources.cameras.stream import open_stream
from services.sources.config import CameraOptions

SECONDS = 12
FPS = 25
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def clip(path: Path, width_px: int, height_px: int, codec: Literal["libx264", "mjpeg"]) -> Path:
    """A scene that moves everywhere, with a key frame each second."""
    rng = np.random.default_rng(7)
    scene = cv2.resize(rng.integers(0, 255, (height_px // 8, width_px // 4, 3), np.uint8), (2 * width_px, height_px))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec == "libx264":
            stream.options = {"preset": "veryfast", "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0"}
        for number in range(SECONDS * FPS):
            left = number * 2 % width_px
            pixels = np.ascontiguousarray(scene[:, left : left + width_px])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels.astype(np.uint8), format="bgr24")))
        container.mux(stream.encode(None))
    return path


def gleaner(path: Path, decode: Literal["auto", "all", "keyframes"]) -> int:
    """Played in real time, as a camera sends it. Gives how many frames it published."""
    with open_stream(CameraOptions(url=str(path), fps=1, decode=decode)) as stream:
        return sum(1 for _ in stream.pictures())


def opencv(path: Path) -> int:
    """The loop that everybody writes first, as fast as it goes: waiting costs nothing."""
    video, published, number = cv2.VideoCapture(str(path)), 0, 0
    while True:
        there, pixels = video.read()
        if not there:
            return published
        if number % FPS == 0:
            published += bool(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[0])
        number += 1


def cpu_ms_per_second(work: Callable[[], int]) -> tuple[float, int]:
    """(milliseconds of CPU per second of the stream, frames published)."""
    before_s = time.process_time()
    published = work()
    return 1000 * (time.process_time() - before_s) / SECONDS, published


@pytest.mark.parametrize(
    ("name", "width_px", "height_px", "codec"),
    [
        ("1080p25 H.264", 1920, 1080, "libx264"),
        ("4K25 H.264", 3840, 2160, "libx264"),
        ("1080p25 MJPEG", 1920, 1080, "mjpeg"),
    ],
)
def test_cost_of_a_camera(
    name: str,
    width_px: int,
    height_px: int,
    codec: Literal["libx264", "mjpeg"],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = clip(tmp_path / "clip.mkv", width_px, height_px, codec)
    plain, _ = cpu_ms_per_second(lambda: opencv(path))
    costs = {}
    for decode in ("auto", "all", "keyframes"):
        costs[decode], published = cpu_ms_per_second(lambda decode=decode: gleaner(path, decode))  # type: ignore[misc]
        assert SECONDS - 2 <= published <= SECONDS + 2
    with capsys.disabled():
        ratios = ", ".join(f"{decode} {cost:.1f} ms ({cost / plain:.2f} x)" for decode, cost in costs.items())
        load = f"load {os.getloadavg()[0]:.1f}"
        print(f"| {name}, 1 of {FPS} frames/s | OpenCV's loop {plain:.1f} ms a second | {ratios} | {load} |")
