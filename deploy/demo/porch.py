"""The empty stage: wall, door, lamp, floor and mat of one house, drawn once per porch and camera."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from deploy.demo.brushes import Color, Image, Layer, Points, foliage, shade, vary
from deploy.demo.camera import HEIGHT_PX, WIDTH_PX, Camera

WALLS: tuple[Color, ...] = (
    (176, 190, 200),
    (150, 168, 186),
    (92, 104, 146),
    (196, 200, 202),
    (158, 160, 140),
    (120, 142, 166),
)
DOORS: tuple[Color, ...] = ((92, 62, 38), (62, 84, 50), (48, 46, 122), (60, 60, 62), (58, 84, 116), (128, 120, 84))
FLOORS: tuple[Color, ...] = ((138, 148, 156), (110, 124, 140), (96, 114, 138), (150, 152, 150), (84, 98, 120))
MATS: tuple[Color, ...] = ((58, 86, 122), (52, 54, 56), (66, 104, 146), (74, 70, 60))


@dataclass(frozen=True)
class Porch:
    """How one house looks; colours are BGR, metres from the middle of the picture."""

    wall: Color = WALLS[0]
    wall_kind: str = "siding"  # siding, brick, plaster
    door: Color = DOORS[0]
    door_x_m: float = -0.25
    floor: Color = FLOORS[0]
    floor_kind: str = "tiles"  # tiles, planks
    mat: Color = MATS[0]
    hedge: bool = True
    look: int = 0
    camera: Camera = field(default_factory=Camera)


def random_porch(rng: Generator) -> Porch:
    camera = Camera(
        height_m=float(rng.uniform(1.7, 2.05)),
        distance_m=float(rng.uniform(3.0, 3.7)),
        side_m=float(rng.uniform(-0.25, 0.25)),
        pitch_deg=float(rng.uniform(24, 29)),
        focal_px=float(rng.uniform(460, 560)),
    )
    return Porch(
        wall=vary(WALLS[rng.integers(len(WALLS))], rng, 0.12),
        wall_kind=("siding", "brick", "plaster")[rng.integers(3)],
        door=vary(DOORS[rng.integers(len(DOORS))], rng, 0.2),
        door_x_m=float(rng.uniform(-0.7, 0.7)),
        floor=vary(FLOORS[rng.integers(len(FLOORS))], rng, 0.15),
        floor_kind=("tiles", "planks")[rng.integers(2)],
        mat=vary(MATS[rng.integers(len(MATS))], rng, 0.15),
        hedge=bool(rng.random() < 0.5),
        look=int(rng.integers(1 << 31)),
        camera=camera,
    )


class _Stage:
    """Layers on which walls and floors are given in metres."""

    def __init__(self, porch: Porch) -> None:
        self.porch, self.camera = porch, porch.camera
        self.rng = np.random.default_rng(porch.look)
        self.picture: Image = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)

    def sheet(self) -> Layer:
        return Layer(np.array([(0.0, 0.0), (WIDTH_PX, HEIGHT_PX)]))

    def upright(self, x: tuple[float, float], y: tuple[float, float], z: float = 0.0) -> Points:
        corners = [(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)]
        return self.camera.project(np.array(corners))

    def flat(self, x: tuple[float, float], z: tuple[float, float], y: float = 0.0) -> Points:
        return self.camera.project(np.array([(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])]))


@lru_cache(maxsize=16)
def empty_porch(porch: Porch) -> Image:
    """The porch with nothing on it, in full daylight [360, 640, 3]; do not write into it."""
    stage = _Stage(porch)
    _wall(stage)
    _floor(stage)
    _door(stage)
    _lamp_and_number(stage)
    if porch.hedge:
        _hedge(stage)
    _mat(stage)
    return stage.picture


def _wall(stage: _Stage) -> None:
    porch, layer = stage.porch, stage.sheet()
    layer.polygon(stage.upright((-4, 4), (-0.2, 3)), porch.wall)
    if porch.wall_kind == "siding":
        for y in np.arange(0.0, 2.6, 0.15):
            layer.polygon(stage.upright((-4, 4), (y, y + 0.022)), shade(porch.wall, 0.72))
            layer.polygon(stage.upright((-4, 4), (y + 0.022, y + 0.035)), shade(porch.wall, 1.1))
    elif porch.wall_kind == "brick":
        _bricks(stage, layer)
    layer.grain(stage.rng, 0.03, streak=1)
    layer.gradient(1.08, 0.86)
    layer.over(stage.picture)


def _bricks(stage: _Stage, layer: Layer) -> None:
    mortar = shade(stage.porch.wall, 1.15)
    layer.polygon(stage.upright((-4, 4), (-0.2, 3)), mortar)
    for row, y in enumerate(np.arange(0.0, 2.3, 0.08)):
        for x in np.arange(-2.6, 2.6, 0.23) + 0.115 * (row % 2):
            layer.polygon(stage.upright((x, x + 0.218), (y, y + 0.068)), vary(stage.porch.wall, stage.rng, 0.12))


def _floor(stage: _Stage) -> None:
    porch, layer = stage.porch, stage.sheet()
    layer.polygon(stage.flat((-4, 4), (0, 2.6)), shade(porch.floor, 0.7))
    wide, deep = (0.42, 0.42) if porch.floor_kind == "tiles" else (5.2, 0.125)
    for x in np.arange(-2.6, 2.6, wide):
        for z in np.arange(0.0, 2.2, deep):
            tone = vary(porch.floor, stage.rng, 0.05)
            layer.polygon(stage.flat((x + 0.006, x + wide - 0.006), (z + 0.006, z + deep - 0.006)), tone)
    layer.grain(stage.rng, 0.05, streak=0 if porch.floor_kind == "tiles" else 3)
    layer.over(stage.picture)
    skirting = stage.sheet()
    skirting.polygon(stage.upright((-4, 4), (0, 0.1)), shade(porch.wall, 0.62))
    skirting.polygon(stage.flat((-4, 4), (0, 0.03)), shade(porch.floor, 0.55))
    skirting.over(stage.picture)


def _door(stage: _Stage) -> None:
    porch, layer, x = stage.porch, stage.sheet(), stage.porch.door_x_m
    trim: Color = (222, 226, 228)
    layer.polygon(stage.upright((x - 0.57, x + 0.57), (0, 2.2)), shade(trim, 0.9))
    layer.polygon(stage.upright((x - 0.53, x + 0.53), (0, 2.2)), shade(trim, 0.55))
    layer.polygon(stage.upright((x - 0.5, x + 0.5), (0.03, 2.2)), porch.door)
    for low, high in ((0.14, 0.62), (0.74, 1.02)):
        for left in (-0.4, 0.04):
            _panel(stage, layer, (x + left, x + left + 0.36), (low, high))
    glass = stage.upright((x - 0.34, x + 0.34), (1.16, 2.0))
    layer.polygon(glass, (96, 92, 84))
    layer.polygon(glass * [0.8, 1] + glass.mean(axis=0) * [0.2, 0], (122, 116, 104))
    layer.stroke(glass, shade(porch.door, 0.6), 2, closed=True)
    layer.stroke(stage.camera.project(np.array([(x, 1.16, 0), (x, 2.0, 0)])), shade(porch.door, 0.9), 2.5)
    layer.polygon(stage.upright((x - 0.13, x + 0.13), (0.66, 0.71)), (150, 176, 186))  # letter slot
    layer.polygon(stage.upright((x + 0.38, x + 0.45), (0.86, 1.06)), (120, 150, 165))
    layer.stroke(stage.camera.project(np.array([(x + 0.42, 0.98, 0.03), (x + 0.3, 0.98, 0.03)])), (170, 196, 206), 3)
    layer.polygon(stage.flat((x - 0.62, x + 0.62), (0, 0.16), 0.03), shade(porch.floor, 1.15))  # sill
    layer.polygon(stage.upright((x - 0.62, x + 0.62), (0, 0.03), 0.16), shade(porch.floor, 0.62))
    layer.grain(stage.rng, 0.025, streak=1)
    layer.over(stage.picture)


def _panel(stage: _Stage, layer: Layer, x: tuple[float, float], y: tuple[float, float]) -> None:
    points = stage.upright(x, y)
    layer.polygon(points, shade(stage.porch.door, 1.1))
    layer.stroke(points, shade(stage.porch.door, 0.62), 1.6, closed=True)
    layer.stroke(points[:2] - (0, 1.5), shade(stage.porch.door, 1.35), 1.0)


def _lamp_and_number(stage: _Stage) -> None:
    layer, x = stage.sheet(), stage.porch.door_x_m + 0.82
    layer.polygon(stage.upright((x - 0.06, x + 0.06), (1.3, 1.55)), (40, 40, 42))
    layer.polygon(stage.upright((x - 0.04, x + 0.04), (1.33, 1.5)), (176, 214, 232))
    layer.polygon(stage.upright((x - 0.09, x + 0.09), (1.0, 1.14)), (66, 58, 52))
    for left in (-0.06, 0.0, 0.045):
        layer.stroke(stage.upright((x + left, x + left + 0.022), (1.03, 1.11)), (226, 230, 230), 1.2, closed=True)
    layer.over(stage.picture)


def _hedge(stage: _Stage) -> None:
    layer, side = stage.sheet(), -1.0 if stage.porch.door_x_m > 0 else 1.0
    for z in (0.1, 0.5, 0.9):
        middle = stage.camera.project(np.array([side * 2.0 + stage.camera.side_m, 0.25, z]))
        foliage(layer, stage.rng, middle, (78.0, 66.0), vary((52, 104, 62), stage.rng, 0.15))
    layer.over(stage.picture)


def _mat(stage: _Stage) -> None:
    porch, layer, x = stage.porch, stage.sheet(), stage.porch.door_x_m
    across, along = (x - 0.4, x + 0.4), (0.26, 0.72)
    dark_edge = stage.flat((across[0] - 0.01, across[1] + 0.012), (along[0], along[1] + 0.02))
    layer.polygon(dark_edge, shade(porch.floor, 0.45))
    layer.polygon(stage.flat(across, along, 0.015), porch.mat)
    for _ in range(900):
        spot = stage.camera.project(np.array([stage.rng.uniform(*across), 0.015, stage.rng.uniform(*along)]))
        layer.stroke(np.array([spot, spot + stage.rng.uniform(-2, 2, 2)]), vary(porch.mat, stage.rng, 0.25), 0.5)
    border = stage.flat((across[0] + 0.05, across[1] - 0.05), (along[0] + 0.05, along[1] - 0.05), 0.015)
    layer.stroke(border, shade(porch.mat, 0.6), 1.6, closed=True)
    layer.grain(stage.rng, 0.08)
    layer.over(stage.picture)
