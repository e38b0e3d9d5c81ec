"""What can lie or stand on a doorstep: parcels a courier leaves, and everything that is no parcel.

Each painter takes a Thing and a camera and returns a layer; `doorstep.PAINTERS` names them all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from deploy.demo.brushes import Color, Layer, Points, foliage, shade, vary
from deploy.demo.camera import Camera

KRAFT: Color = (104, 148, 190)
YELLOW: Color = (52, 186, 240)
PAPER: Color = (238, 242, 244)
INK: Color = (52, 50, 50)
TERRACOTTA: Color = (62, 96, 172)
CRATES: tuple[Color, ...] = ((150, 88, 40), (70, 120, 52), (118, 116, 116), (60, 52, 160), (44, 42, 40))
JACKETS: tuple[Color, ...] = ((92, 66, 44), (60, 60, 66), (58, 92, 62), (70, 62, 140), (150, 132, 112))
LEAVES: tuple[Color, ...] = ((40, 92, 178), (36, 60, 120), (40, 130, 200), (48, 110, 96))
FUR: tuple[Color, ...] = ((58, 56, 58), (88, 128, 172), (190, 200, 206), (110, 112, 116))
FOLIAGE: Color = (58, 122, 70)


@dataclass(frozen=True)
class Thing:
    """One object: what it is, where it stands (metres), how it is turned, how large, and the seed of its looks."""

    kind: str
    x_m: float
    z_m: float
    yaw_deg: float = 0.0
    size_m: tuple[float, float, float] = (0.4, 0.3, 0.3)  # width, height, depth
    look: int = 0
    lean_deg: float = 0.0  # 0 lies flat, 70 leans on the wall behind it
    name: str = ""  # which one it is, from frame to frame

    @property
    def rng(self) -> Generator:
        return np.random.default_rng(self.look)

    def place(self, local_m: Points) -> Points:
        """Points of the object itself [..., 3] to world points: leaned, turned, moved to its place."""
        lean, yaw = np.radians(self.lean_deg), np.radians(self.yaw_deg)
        x, y, z = local_m[..., 0], local_m[..., 1], local_m[..., 2]
        hinge = self.size_m[2] / 2  # it leans back on its front edge
        y, z = y * np.cos(lean) + (hinge - z) * np.sin(lean), hinge + (z - hinge) * np.cos(lean) + y * np.sin(lean)
        turned_x, turned_z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
        return np.stack([turned_x + self.x_m, y, turned_z + self.z_m], axis=-1)

    def outline(self) -> Points:
        """The eight world corners that bound it."""
        width, height, depth = self.size_m
        corners = [(i * width / 2, j * height, k * depth / 2) for i in (-1, 1) for j in (0, 1) for k in (-1, 1)]
        return self.place(np.array(corners))


def _quad(thing: Thing, camera: Camera, corners: list[tuple[float, float, float]]) -> Points:
    return camera.project(thing.place(np.array(corners)))


def _patch(thing: Thing, camera: Camera, y: float, x: tuple[float, float], z: tuple[float, float]) -> Points:
    """A rectangle on a horizontal plane of the object."""
    return _quad(thing, camera, [(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])])


_SIDES = {  # corner signs (width, depth) from left to right, and the outward normal
    "front": (((-1, 1), (1, 1)), (0.0, 0.0, 1.0), 0.84),
    "left": (((-1, -1), (-1, 1)), (-1.0, 0.0, 0.0), 0.66),
    "right": (((1, 1), (1, -1)), (1.0, 0.0, 0.0), 0.72),
    "back": (((1, -1), (-1, -1)), (0.0, 0.0, -1.0), 0.7),
}


def _cuboid(thing: Thing, camera: Camera, layer: Layer, color: Color) -> list[str]:
    """Paint sides and top of a block; the names of the sides that show."""
    width, height, depth = thing.size_m
    shown = []
    for name, (ends, normal, light) in _SIDES.items():
        (a, b), (c, d) = ends
        left, right = (a * width / 2, b * depth / 2), (c * width / 2, d * depth / 2)
        outward = thing.place(np.array(normal)) - thing.place(np.zeros(3))
        if camera.faces(thing.place(np.array([left[0], 0.0, left[1]])), outward):
            low_high = [(left[0], 0.0, left[1]), (right[0], 0.0, right[1])]
            points = _quad(thing, camera, [*low_high, (right[0], height, right[1]), (left[0], height, left[1])])
            layer.polygon(points, shade(color, light))
            layer.stroke(points, shade(color, light * 0.78), 0.7, closed=True)
            shown.append(name)
    top = _patch(thing, camera, height, (-width / 2, width / 2), (-depth / 2, depth / 2))
    layer.polygon(top, shade(color, 1.08))
    layer.stroke(top, shade(color, 1.18), 0.6, closed=True)
    return shown


def _label(thing: Thing, camera: Camera, layer: Layer, y: float, at: tuple[float, float], long_m: float) -> None:
    """An address label with lines and a bar code on a horizontal face."""
    (x, z), high = at, long_m * 0.62
    layer.polygon(_patch(thing, camera, y, (x, x + long_m), (z, z + high)), PAPER)
    for line in (0.2, 0.38, 0.56):
        ends = _quad(thing, camera, [(x + 0.08 * long_m, y, z + line * high), (x + 0.55 * long_m, y, z + line * high)])
        layer.stroke(ends, shade(INK, 1.8), 0.6)
    for bar in np.linspace(0.64, 0.92, 4):
        ends = _quad(thing, camera, [(x + bar * long_m, y, z + 0.2 * high), (x + bar * long_m, y, z + 0.8 * high)])
        layer.stroke(ends, INK, 0.7)


def _front_tape(thing: Thing, camera: Camera, layer: Layer, color: Color, half_m: float) -> None:
    _, high, depth = thing.size_m
    low, front = high * 0.68, depth / 2
    corners = [(-half_m, low, front), (half_m, low, front), (half_m, high, front), (-half_m, high, front)]
    layer.polygon(_quad(thing, camera, corners), shade(color, 0.86))


def brown_box(thing: Thing, camera: Camera) -> Layer:
    rng = thing.rng
    layer = Layer(camera.project(thing.outline()))
    color = vary(KRAFT, rng, 0.16)
    width, height, depth = thing.size_m
    shown = _cuboid(thing, camera, layer, color)
    tape = vary((150, 186, 212) if rng.random() < 0.6 else (84, 124, 162), rng, 0.1)
    half_m = float(rng.uniform(0.02, 0.032))
    layer.polygon(_patch(thing, camera, height, (-half_m, half_m), (-depth / 2, depth / 2)), tape)
    if "front" in shown:
        _front_tape(thing, camera, layer, tape, half_m)
    seam = _quad(thing, camera, [(0, height, -depth / 2), (0, height, depth / 2)])
    layer.stroke(seam, shade(color, 0.72), 0.5)
    if rng.random() < 0.8:
        _label(thing, camera, layer, height, (float(rng.uniform(0.06, 0.14)) * width, -0.1 * depth), 0.34 * width)
    layer.grain(rng, 0.035, streak=3)
    return layer


def _cushion(thing: Thing, y: float, inset: float) -> Points:
    """The outline of a filled envelope: a rectangle whose sides bulge a little and whose corners are round."""
    width, _, depth = thing.size_m
    around = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    round_x = np.sign(np.cos(around)) * np.abs(np.cos(around)) ** 0.22
    round_z = np.sign(np.sin(around)) * np.abs(np.sin(around)) ** 0.22
    scale = 1 - inset
    return np.stack([round_x * width / 2 * scale, np.full(36, y), round_z * depth / 2 * scale], axis=-1)


def yellow_pack(thing: Thing, camera: Camera) -> Layer:
    rng = thing.rng
    layer = Layer(camera.project(thing.outline()))
    color = vary(YELLOW, rng, 0.1)
    width, height, depth = thing.size_m
    for level in np.linspace(0, 1, 5):
        ring = _cushion(thing, float(level * height), 0.07 * float(level) ** 2)
        layer.polygon(camera.project(thing.place(ring)), shade(color, 0.62 + 0.38 * float(level)))
    layer.polygon(camera.project(thing.place(_cushion(thing, height, 0.35))), shade(color, 1.08))
    flap = width * 0.3
    seam = _quad(thing, camera, [(flap, height, -depth * 0.46), (flap, height, depth * 0.46)])
    layer.stroke(seam, shade(color, 0.7), 1.0)
    folded = _patch(thing, camera, height, (flap, width * 0.46), (-depth * 0.44, depth * 0.44))
    layer.polygon(folded, shade(color, 0.93))
    _label(thing, camera, layer, height, (-0.4 * width, -0.25 * depth), 0.5 * width)
    for _ in range(3):  # creases of the padding
        x, z = rng.uniform(-0.4, 0.1) * width, rng.uniform(0.2, 0.44) * depth
        crease = _quad(thing, camera, [(x, height, z), (x + 0.15 * width, height, z + rng.uniform(-0.05, 0.05))])
        layer.stroke(crease, shade(color, 0.85), 0.7)
    layer.grain(rng, 0.025)
    return layer


def crate(thing: Thing, camera: Camera) -> Layer:
    """A plastic crate, as couriers do not leave it."""
    rng = thing.rng
    layer = Layer(camera.project(thing.outline()))
    color = vary(CRATES[rng.integers(len(CRATES))], rng, 0.15)
    width, height, depth = thing.size_m
    _cuboid(thing, camera, layer, color)
    hollow = _patch(thing, camera, height, (-width * 0.44, width * 0.44), (-depth * 0.42, depth * 0.42))
    layer.polygon(hollow, shade(color, 0.35))
    for rib in np.linspace(-0.36, 0.36, 5):
        ends = _quad(thing, camera, [(rib * width, 0.1 * height, depth / 2), (rib * width, 0.85 * height, depth / 2)])
        layer.stroke(ends, shade(color, 0.6), 1.2)
    return layer


def planter(thing: Thing, camera: Camera) -> Layer:
    """A square wooden flower box: as brown as a parcel, and none."""
    rng = thing.rng
    width, height, depth = thing.size_m
    plant = camera.project(thing.place(np.array([0.0, height * 1.25, 0.0])))
    reach = width * 0.42 * camera.pixels_per_metre(thing.place(np.array([0.0, height, 0.0])))
    around = [camera.project(thing.outline()), plant[None] - 1.5 * reach, plant[None] + 1.5 * reach]
    layer = Layer(np.concatenate(around))
    color = vary((88, 128, 172), rng, 0.06)
    _cuboid(thing, camera, layer, color)
    for board in (0.33, 0.66):
        ends = _quad(thing, camera, [(-width / 2, board * height, depth / 2), (width / 2, board * height, depth / 2)])
        layer.stroke(ends, shade(color, 0.6), 0.8)
    soil = _patch(thing, camera, height, (-width * 0.43, width * 0.43), (-depth * 0.42, depth * 0.42))
    layer.polygon(soil, (30, 40, 52))
    layer.grain(rng, 0.06, streak=3)
    foliage(layer, rng, plant, (reach * 0.8, reach * 0.42), vary(FOLIAGE, rng, 0.15))
    return layer


def pot(thing: Thing, camera: Camera) -> Layer:
    """A round clay pot with a bush; also the dark pots beside a door."""
    rng = thing.rng
    width, height, _ = thing.size_m
    foot, rim = (camera.project(thing.place(np.array([0.0, y, 0.0]))) for y in (0.0, height))
    scale = camera.pixels_per_metre(thing.place(np.zeros(3)))
    wide, bush = width / 2 * scale, rim - (0, 0.9 * width * scale)
    spread = np.array([wide * 1.5, wide * 1.9])
    layer = Layer(np.array([foot - wide * 1.4, foot + wide * 1.4, bush - spread * 1.3, bush + spread * 1.3]))
    clay = TERRACOTTA if rng.random() < 0.6 else (70, 68, 66)
    color = vary(clay, rng, 0.15)
    layer.ellipse(foot, (wide * 0.7, wide * 0.32), 0, shade(color, 0.7))
    corners = np.array([foot, foot, rim, rim])
    layer.polygon(corners + np.array([(-0.7 * wide, 0), (0.7 * wide, 0), (wide, 0), (-wide, 0)]), color)
    lit = np.array([(-0.5 * wide, 0), (-0.1 * wide, 4), (-0.15 * wide, 0), (-0.7 * wide, 0)])
    layer.polygon(corners + lit, shade(color, 1.15))
    layer.ellipse(rim, (wide * 1.08, wide * 0.48), 0, shade(color, 1.1))
    layer.ellipse(rim, (wide * 0.92, wide * 0.38), 0, (28, 36, 44))
    layer.grain(rng, 0.03)
    foliage(layer, rng, bush, (spread[0], spread[1]), vary(FOLIAGE, rng, 0.25))
    return layer


def leaves(thing: Thing, camera: Camera) -> Layer:
    """A scatter of fallen leaves."""
    rng = thing.rng
    layer = Layer(camera.project(thing.outline()), margin_px=8)
    for _ in range(int(rng.integers(4, 12))):
        x, z = rng.uniform(-0.5, 0.5, 2) * (thing.size_m[0], thing.size_m[2])
        at = _quad(thing, camera, [(float(x), 0.0, float(z))])[0]
        long = rng.uniform(2.5, 4.5)
        color = vary(LEAVES[rng.integers(len(LEAVES))], rng, 0.2)
        turn = rng.uniform(0, 180)
        layer.ellipse(at + 1, (long, long * 0.45), turn, (40, 42, 46))
        layer.ellipse(at, (long, long * 0.45), turn, color)
    return layer
