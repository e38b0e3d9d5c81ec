"""The cameras of the pages: addresses that belong to nobody, and the simulated camera that stands here for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import cv2
import numpy as np

from deploy.demo.clip import clip
from shared import imaging
from tests.cameras import Fault, Spec, World, serving

WIDTH_PX, HEIGHT_PX = 640, 360
SCENES = 60
PASSWORD = "a-password"


def porch(name: str, number: int, width_px: int, height_px: int) -> imaging.Image:
    """The demo's porch, from the camera's own side of it."""
    frames = _porches()[name if name in _porches() else "front-door"]
    return np.asarray(cv2.resize(frames[number % len(frames)], (width_px, height_px)), np.uint8)


@cache
def _porches() -> dict[str, list[imaging.Image]]:
    frames: dict[str, list[imaging.Image]] = {}
    for frame in clip(2 * SCENES):
        frames.setdefault(frame.source_id, []).append(imaging.decode(frame.jpeg))
    return frames


_SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX, "scene": porch, "fps": 5.0}
CAMERAS: dict[str, tuple[Spec, Fault | None]] = {
    "192.0.2.10": (Spec("front-door", "rtsp-h264", user="viewer", password=PASSWORD, **_SIZE), None),  # type: ignore[arg-type]
    "192.0.2.11": (Spec("yard", "mjpeg", **_SIZE), None),  # type: ignore[arg-type]
    "192.0.2.12": (Spec("back-door", "hls", **_SIZE), None),  # type: ignore[arg-type]
    "192.0.2.13": (Spec("gate", "rtsp-h264", **_SIZE), Fault.REFUSES),  # type: ignore[arg-type]
}
"""By the address in the pages: how the camera is made, and what it does wrong."""


@contextmanager
def simulated() -> Iterator[World]:
    """All of them, by name."""
    with serving(spec for spec, _ in CAMERAS.values()) as world:
        for spec, fault in CAMERAS.values():
            world[spec.name].fault = fault
        yield world
