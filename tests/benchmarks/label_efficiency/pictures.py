"""What a camera makes of a digit: 48 x 48 greys, and the 8 x 8 that the model sees of them.

Promises: pure; the same picture for the same digit, look and random numbers.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.label_efficiency.digits import Digits

SIDE_PX = 48
SEEN_PX = 8
DIGIT_PX = 36.0
MIDDLE = (SEEN_PX - 1) / 2
JITTER_PX = 1.0
NOISE = 8.0
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Camera:
    """How it hangs and how it sees."""

    degrees: float = 0.0
    contrast: float = 1.0
    brightness: float = 0.0


BEFORE, AFTER = Camera(), Camera(degrees=18.0, contrast=0.6, brightness=40.0)
"""The camera is changed in the middle of the stream."""


@dataclass(frozen=True, slots=True)
class Look:
    """What stays for the length of a clip: where the object lies, how large and how bright it is, and its ground."""

    x_px: float
    y_px: float
    scale: float
    degrees: float
    ground: float
    ink: float


def any_look(rng: np.random.Generator) -> Look:
    x_px, y_px = rng.uniform(-1.5, 1.5, 2)
    return Look(x_px, y_px, rng.uniform(0.95, 1.05), rng.uniform(-4, 4), rng.uniform(20, 40), rng.uniform(140, 180))


def picture(digit: NDArray[np.float32], look: Look, camera: Camera, rng: np.random.Generator) -> Grey:
    """One frame: the digit (8, 8) where the look has it, a pixel off at most, under the camera, with noise."""
    shift = np.array([look.x_px, look.y_px]) + rng.uniform(-JITTER_PX, JITTER_PX, 2)
    turned = cv2.getRotationMatrix2D((MIDDLE, MIDDLE), look.degrees + camera.degrees, look.scale * DIGIT_PX / SEEN_PX)
    to_middle = np.column_stack([np.zeros((2, 2)), SIDE_PX / 2 - 0.5 - MIDDLE + shift])
    ink = cv2.warpAffine(digit, turned + to_middle, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR)
    light = (look.ground + look.ink * ink) * camera.contrast + camera.brightness
    return np.asarray(np.clip(light + rng.normal(0, NOISE, ink.shape), 0, 255), np.uint8)


def seen(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 48, 48) greys to what the model sees of them: (n, 64), means of squares of 6 x 6, in 0..1."""
    step = SIDE_PX // SEEN_PX
    squares = pictures.reshape(-1, SEEN_PX, step, SEEN_PX, step).mean(axis=(2, 4), dtype=np.float32)
    return np.asarray((squares / 255).reshape(-1, SEEN_PX * SEEN_PX), np.float32)


def under_both(digits: Digits, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The test: every digit once under each camera, as the model sees it, and the labels."""
    shots = [picture(image, any_look(rng), camera, rng) for camera in (BEFORE, AFTER) for image in digits.images]
    return seen(np.stack(shots)), np.tile(digits.labels, 2)
