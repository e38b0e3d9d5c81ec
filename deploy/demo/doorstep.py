"""A picture of a doorstep and what is in it: porch, things, light, lens, sensor.

`render` is pure: the same scene, generator state and OpenCV give the same bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from deploy.demo import figures, things
from deploy.demo.brushes import Image, Layer
from deploy.demo.camera import HEIGHT_PX, WIDTH_PX, Camera
from deploy.demo.porch import Porch, empty_porch
from deploy.demo.things import Thing

PAINTERS: dict[str, Callable[[Thing, Camera], Layer]] = {
    "brown": things.brown_box,
    "yellow": things.yellow_pack,
    "crate": things.crate,
    "planter": things.planter,
    "pot": things.pot,
    "leaves": things.leaves,
    "person": figures.person,
    "cat": figures.cat,
    "shoes": figures.shoes,
}

_TALL = ("person", "cat")  # flat figures: their shadow starts at the feet
_SHADOW_SCALE = 2
_NOISE_PLAY = 97  # how far the noise may shift from frame to frame


@dataclass(frozen=True)
class Light:
    """How bright it is and from where; exposure 1 is day, 0.2 night; the sun's shadow per metre of height."""

    exposure: float = 1.0
    warmth: float = 0.0  # -1 blue dusk .. 1 evening sun
    sun: float = 0.4  # darkness of cast shadows
    cast_m: tuple[float, float] = (0.5, 0.25)  # where the shadow of a point one metre up falls (x, z)
    lamp: float = 0.0  # the lamp beside the door


@dataclass(frozen=True)
class Lens:
    """What goes wrong on the way to the sensor."""

    motion_px: int = 0
    motion_deg: float = 0.0
    defocus_px: float = 0.0
    noise: float = 2.0  # standard deviation by day, 0..255


@dataclass(frozen=True)
class Scene:
    porch: Porch
    things: tuple[Thing, ...] = ()
    light: Light = field(default_factory=Light)
    lens: Lens = field(default_factory=Lens)


@dataclass(frozen=True)
class Truth:
    """One object: its kind, its whole outline inside the picture (xyxy, pixels), the share of it one can see."""

    kind: str
    xyxy: tuple[float, float, float, float]
    visible: float
    name: str = ""


def render(scene: Scene, rng: Generator) -> tuple[Image, list[Truth]]:
    """The picture (BGR [360, 640, 3]) and its objects, back to front; objects wholly outside are left out."""
    picture = _shadowed(empty_porch(scene.porch), scene)
    truths = _paint(picture, scene)
    return _expose(_lens(_lit(picture, scene), scene.lens), scene, rng), truths


@lru_cache(maxsize=256)
def _layer(thing: Thing, camera: Camera) -> Layer:
    return PAINTERS[thing.kind](thing, camera)


def _paint(picture: Image, scene: Scene) -> list[Truth]:
    drawn: list[tuple[Thing, NDArray[np.bool_], int]] = []
    owner = np.full(picture.shape[:2], -1, np.int16)
    for number, thing in enumerate(sorted(scene.things, key=lambda thing: thing.z_m)):
        covered, whole = _layer(thing, scene.porch.camera).over(picture)
        owner[covered] = number
        drawn.append((thing, covered, whole))
    return [
        Truth(thing.kind, _bounds(covered), float(np.count_nonzero(owner == number) / max(whole, 1)), thing.name)
        for number, (thing, covered, whole) in enumerate(drawn)
        if covered.any()
    ]


def _bounds(covered: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _shadowed(empty: Image, scene: Scene) -> Image:
    """The empty porch with contact and cast shadows on its floor."""
    shape = (HEIGHT_PX // _SHADOW_SCALE, WIDTH_PX // _SHADOW_SCALE)
    cast, contact = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for thing in scene.things:
        if thing.kind != "leaves":
            _fill(cast, scene.porch.camera, _fallen(thing, scene.light))
            _fill(contact, scene.porch.camera, _footprint(thing))
    darkness = 0.62 * scene.light.sun * cv2.GaussianBlur(cast, (0, 0), 2.2) / 255
    darkness = np.maximum(darkness, 0.5 * cv2.GaussianBlur(contact, (0, 0), 2.6) / 255)
    keep = cv2.resize((1 - darkness).astype(np.float32), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(empty, cv2.merge([keep] * 3), dtype=cv2.CV_8U), np.uint8)


def _fallen(thing: Thing, light: Light) -> NDArray[np.float64]:
    """Where the sun puts the shadow of the outline's corners on the floor."""
    corners = thing.outline()
    if thing.kind in _TALL:
        corners = corners * [1, 0.95, 1] * 0.45 + corners.mean(axis=0) * [1, 0, 1] * 0.55
    ground = corners.copy()
    ground[:, 0] += light.cast_m[0] * corners[:, 1]
    ground[:, 2] = np.clip(corners[:, 2] + light.cast_m[1] * corners[:, 1], 0.0, 2.4)
    ground[:, 1] = 0.0
    return ground


def _footprint(thing: Thing) -> NDArray[np.float64]:
    around = thing.outline() * [1, 0, 1]
    middle, wider = around.mean(axis=0), 1.1 if thing.kind not in (*_TALL, "pot") else 0.7
    return np.asarray(middle + (around - middle) * wider, np.float64)


def _fill(mask: NDArray[np.uint8], camera: Camera, ground: NDArray[np.float64]) -> None:
    points = (camera.project(ground) / _SHADOW_SCALE).astype(np.float32)
    hull = np.round(cv2.convexHull(points)).astype(np.int32)
    cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_AA)


@cache
def _vignette() -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    away = ((columns - WIDTH_PX / 2) / WIDTH_PX) ** 2 + ((rows - HEIGHT_PX / 2) / HEIGHT_PX) ** 2
    return np.asarray(cv2.merge([1 - np.float32(0.4) * away] * 3), np.float32)


@lru_cache(maxsize=16)
def _lamplight(porch: Porch) -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    at = porch.camera.project(np.array([porch.door_x_m + 0.82, 1.2, 0.2])).astype(np.float32)
    reach = np.exp(-np.hypot(columns - at[0], rows - at[1]) / np.float32(190))
    return np.asarray(cv2.merge([reach * np.float32(tone) for tone in (0.68, 0.87, 1.03)]), np.float32)


@cache
def _noise() -> NDArray[np.float32]:
    """Sensor noise of standard deviation about 1: fine and, weaker, in blotches as JPEG and denoising leave them."""
    rng, shape = np.random.default_rng(0), (HEIGHT_PX + _NOISE_PLAY, WIDTH_PX + _NOISE_PLAY)
    fine = rng.standard_normal((*shape, 3), np.float32)
    coarse = rng.standard_normal((shape[0] // 2, shape[1] // 2), np.float32)
    blotches = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(0.8 * fine + 0.9 * blotches[..., None], np.float32)


def _lit(picture: Image, scene: Scene) -> NDArray[np.float32]:
    """Daylight, dusk or lamp light over the picture; may exceed 255."""
    light = scene.light
    tint = np.array([1 - 0.16 * light.warmth, 1.0, 1 + 0.14 * light.warmth], np.float32) * np.float32(light.exposure)
    brightness = _vignette() * tint
    if light.lamp > 0:
        brightness = cv2.scaleAdd(_lamplight(scene.porch), light.lamp, brightness)
    return np.asarray(cv2.multiply(picture, brightness, dtype=cv2.CV_32F), np.float32)


def _lens(picture: NDArray[np.float32], lens: Lens) -> NDArray[np.float32]:
    if lens.defocus_px > 0:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), lens.defocus_px), np.float32)
    if lens.motion_px > 1:
        size = lens.motion_px | 1
        kernel = np.zeros((size, size), np.float32)
        kernel[size // 2] = 1
        turn = cv2.getRotationMatrix2D((size / 2 - 0.5, size / 2 - 0.5), lens.motion_deg, 1.0)
        kernel = np.asarray(cv2.warpAffine(kernel, turn, (size, size)), np.float32)
        picture = np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)
    return picture


def _expose(picture: NDArray[np.float32], scene: Scene, rng: Generator) -> Image:
    """Sensor noise and eight bits; a dark scene is noisier."""
    sigma = scene.lens.noise * (1 + 1.2 * max(0.0, 1 - scene.light.exposure))
    down, right = (int(step) for step in rng.integers(0, _NOISE_PLAY, 2))
    noise = _noise()[down : down + HEIGHT_PX, right : right + WIDTH_PX]
    return np.asarray(cv2.addWeighted(picture, 1.0, noise, sigma, 0.0, dtype=cv2.CV_8U), np.uint8)


def jpeg(picture: Image, quality: int = 85) -> bytes:
    encoded, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise ValueError(f"expected a picture that JPEG can hold, got shape {picture.shape}")
    return data.tobytes()


def contact_sheet(pictures: Sequence[Image], columns: int) -> Image:
    """Pictures of one size side by side, row by row; the last row is filled with black."""
    blank = np.zeros_like(pictures[0])
    padded = [*pictures, *[blank] * (-len(pictures) % columns)]
    rows = [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    return np.vstack(rows)
