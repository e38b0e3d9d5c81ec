"""The living and their shoes: people, cats, a pair of shoes; upright figures drawn facing the camera."""

import numpy as np

from deploy.demo.brushes import Color, Layer, Points, shade, vary
from deploy.demo.camera import Camera
from deploy.demo.things import FUR, JACKETS, Thing


class _Sheet:
    """A figure's own coordinates, in heights of the figure: x to the right, y up from its feet."""

    def __init__(self, thing: Thing, camera: Camera, half_width: float) -> None:
        self._thing, self._camera = thing, camera
        self._flip = -1.0 if thing.yaw_deg < 0 else 1.0
        corners = self.at([(-half_width, -0.04), (half_width, 1.05)])
        self.layer = Layer(corners, margin_px=6)
        self.unit_px = float(abs(self.at([(0, 1)])[0, 1] - self.at([(0, 0)])[0, 1]))

    def at(self, points: list[tuple[float, float]]) -> Points:
        height = self._thing.size_m[1]
        flat = [(self._thing.x_m + self._flip * x * height, max(y, 0) * height, self._thing.z_m) for x, y in points]
        below = np.array([(0.0, -min(y, 0) * 60) for _, y in points])
        return np.asarray(self._camera.project(np.array(flat)) + below, np.float64)

    def limb(self, points: list[tuple[float, float]], color: Color, width: float) -> None:
        self.layer.stroke(self.at(points), color, width * self.unit_px)

    def blob(self, at: tuple[float, float], half: tuple[float, float], turn_deg: float, color: Color) -> None:
        size = (half[0] * self.unit_px, half[1] * self.unit_px)
        self.layer.ellipse(self.at([at])[0], size, self._flip * turn_deg, color)

    def patch(self, points: list[tuple[float, float]], color: Color) -> None:
        self.layer.polygon(self.at(points), color)


def person(thing: Thing, camera: Camera) -> Layer:
    rng, sheet = thing.rng, _Sheet(thing, camera, 0.28)
    jacket = vary(JACKETS[rng.integers(len(JACKETS))], rng, 0.2)
    trousers, skin = vary((78, 62, 52), rng, 0.35), vary((128, 160, 206), rng, 0.25)
    stride, swing = float(rng.uniform(0.03, 0.1)), float(rng.uniform(-0.1, 0.12))
    for side, tone in ((-1, 0.75), (1, 1.0)):
        foot = side * stride
        sheet.limb([(0.02 * side, 0.48), (foot * 0.7, 0.26), (foot, 0.04)], shade(trousers, tone), 0.078)
        sheet.blob((foot + 0.025, 0.02), (0.06, 0.024), 0, (40, 40, 44))
    sheet.limb([(-0.07, 0.79), (-0.11 - swing / 2, 0.62), (-0.09 - swing, 0.47)], shade(jacket, 0.7), 0.06)
    hem, shoulders = [(-0.075, 0.45), (0.08, 0.45), (0.1, 0.62)], [(0.1, 0.78), (0.06, 0.835), (-0.06, 0.835)]
    sheet.patch([*hem, *shoulders, (-0.1, 0.78), (-0.09, 0.6)], jacket)
    sheet.patch([(0.0, 0.45), (0.08, 0.45), (0.1, 0.78), (0.05, 0.83)], shade(jacket, 1.14))
    sheet.limb([(0.0, 0.46), (0.005, 0.82)], shade(jacket, 0.66), 0.008)
    sheet.limb([(0.08, 0.79), (0.12 + swing / 2, 0.62), (0.1 + swing, 0.48)], shade(jacket, 0.88), 0.06)
    sheet.blob((0.1 + swing, 0.465), (0.024, 0.028), 0, skin)
    sheet.limb([(0.0, 0.82), (0.005, 0.87)], shade(skin, 0.8), 0.05)
    sheet.blob((0.008, 0.915), (0.048, 0.066), 0, skin)
    sheet.blob((-0.004, 0.945), (0.054, 0.048), 0, vary((44, 50, 62), rng, 0.4))
    if rng.random() < 0.5:  # a cap
        sheet.blob((0.004, 0.96), (0.056, 0.036), 0, shade(jacket, 0.9))
        sheet.blob((0.05, 0.945), (0.04, 0.01), 0, shade(jacket, 0.7))
    sheet.layer.grain(rng, 0.05)
    return sheet.layer


def cat(thing: Thing, camera: Camera) -> Layer:
    rng, sheet = thing.rng, _Sheet(thing, camera, 1.2)
    fur = vary(FUR[rng.integers(len(FUR))], rng, 0.15)
    sheet.limb([(-0.55, 0.45), (-0.8, 0.6), (-0.9, 0.9), (-0.78, 1.0)], shade(fur, 0.8), 0.11)
    for x, tone in ((-0.42, 0.7), (-0.5, 0.95), (0.32, 0.7), (0.42, 0.95)):
        sheet.limb([(x, 0.45), (x + 0.03, 0.04)], shade(fur, tone), 0.17)
    sheet.blob((-0.05, 0.54), (0.58, 0.27), 0, fur)
    sheet.blob((-0.1, 0.6), (0.44, 0.13), 0, shade(fur, 1.12))
    sheet.patch([(0.42, 0.86), (0.46, 1.04), (0.56, 0.9)], shade(fur, 0.85))
    sheet.patch([(0.6, 0.9), (0.7, 1.04), (0.74, 0.84)], fur)
    sheet.blob((0.58, 0.76), (0.2, 0.18), 0, shade(fur, 1.05))
    sheet.blob((0.66, 0.7), (0.09, 0.07), 0, shade(fur, 1.3))
    for x in (0.54, 0.68):
        sheet.blob((x, 0.79), (0.028, 0.035), 0, (60, 160, 150))
    for x in (-0.4, -0.2, 0.0, 0.2):  # stripes
        sheet.limb([(x, 0.73), (x + 0.05, 0.55)], shade(fur, 0.75), 0.05)
    sheet.layer.grain(rng, 0.08, streak=2)
    return sheet.layer


def shoes(thing: Thing, camera: Camera) -> Layer:
    rng = thing.rng
    layer = Layer(camera.project(thing.outline()), margin_px=8)
    color = vary(FUR[0] if rng.random() < 0.6 else (52, 70, 112), rng, 0.25)
    scale = camera.pixels_per_metre(thing.place(np.zeros(3)))
    for side in (-0.08, 0.08):
        heel, toe = camera.project(thing.place(np.array([[side, 0.03, -0.14], [side * 1.15, 0.02, 0.14]])))
        turn, half = float(np.degrees(np.arctan2(*(toe - heel)[::-1]))), float(np.linalg.norm(toe - heel)) / 2
        layer.ellipse((heel + toe) / 2 + (0, 1.5), (half * 1.08, 0.054 * scale), turn, (170, 176, 180))
        layer.ellipse((heel + toe) / 2, (half, 0.048 * scale), turn, color)
        layer.ellipse(heel * 0.72 + toe * 0.28 - (0, 1.5), (half * 0.5, 0.034 * scale), turn, shade(color, 0.4))
        for lace in (0.58, 0.68):
            middle = heel * (1 - lace) + toe * lace
            layer.stroke(middle + np.array([(-0.02 * scale, -1), (0.02 * scale, -1)]), (206, 210, 212), 0.8)
    return layer
