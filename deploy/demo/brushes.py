"""Brushes: antialiased shapes on a layer with its own transparency, laid over a picture; grain and leaves.

Colours are BGR, 0..255. A layer is drawn larger than it appears and shrunk, so that edges stay soft.
"""

from collections.abc import Sequence
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
Color = tuple[float, float, float]

_SHIFT = 4  # OpenCV's fixed-point bits: coordinates in sixteenths of a pixel
_OPAQUE = (255.0, 255.0, 255.0)


def shade(color: Color, factor: float) -> Color:
    blue, green, red = (float(min(255.0, channel * factor)) for channel in color)
    return blue, green, red


def vary(color: Color, rng: Generator, amount: float) -> Color:
    """The colour with its brightness and each channel shifted a little."""
    factors = rng.uniform(1 - amount, 1 + amount) * rng.uniform(1 - amount / 5, 1 + amount / 5, 3)
    blue, green, red = (float(value) for value in np.clip(np.array(color) * factors, 0, 255))
    return blue, green, red


@cache
def _grain_tile(streak: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(streak).normal(0, 1, (2048, 2048)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=1 + streak, sigmaY=1.0).astype(np.float32)
    return noise / np.float32(noise.std())


class Layer:
    """A transparent sheet over part of a picture: `left, top` in picture pixels, drawn `finer` times finer."""

    def __init__(self, around_px: Points, margin_px: float = 3.0, finer: int = 2) -> None:
        low = np.clip(np.floor(around_px.min(axis=0) - margin_px), -160, 740).astype(int)
        high = np.clip(np.ceil(around_px.max(axis=0) + margin_px), low + 2, 800).astype(int)
        self.left, self.top = int(low[0]), int(low[1])
        self.width, self.height = int(high[0] - low[0]), int(high[1] - low[1])
        self._finer = finer
        shape = (self.height * finer, self.width * finer)
        self._color = np.zeros((*shape, 3), np.uint8)
        self._cover = np.zeros((*shape, 3), np.uint8)

    def _local(self, points_px: Points) -> NDArray[np.int32]:
        local = (np.asarray(points_px) - (self.left, self.top)) * self._finer
        return np.round(local * (1 << _SHIFT)).astype(np.int32)

    def polygon(self, points_px: Points, color: Color) -> None:
        points = self._local(points_px).reshape(-1, 1, 2)
        cv2.fillPoly(self._color, [points], color, cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self._cover, [points], _OPAQUE, cv2.LINE_AA, _SHIFT)

    def stroke(self, points_px: Points, color: Color, width_px: float, closed: bool = False) -> None:
        points = self._local(points_px).reshape(-1, 1, 2)
        thickness = max(1, round(width_px * self._finer))
        cv2.polylines(self._color, [points], closed, color, thickness, cv2.LINE_AA, _SHIFT)
        cv2.polylines(self._cover, [points], closed, _OPAQUE, thickness, cv2.LINE_AA, _SHIFT)

    def ellipse(self, center_px: Points, half_px: Sequence[float], angle_deg: float, color: Color) -> None:
        turn = np.radians(angle_deg)
        around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        along, across = half_px[0] * np.cos(around), half_px[1] * np.sin(around)
        column = along * np.cos(turn) - across * np.sin(turn)
        row = along * np.sin(turn) + across * np.cos(turn)
        self.polygon(np.asarray(center_px) + np.stack([column, row], axis=-1), color)

    def grain(self, rng: Generator, amount: float, streak: int = 0) -> None:
        """Multiply the colours with a fixed noise; `streak` draws it out sideways (wood, card)."""
        tile, (rows, columns) = _grain_tile(streak), self._color.shape[:2]
        down, right = rng.integers(0, 64, 2)
        noise = tile[down : down + rows, right : right + columns]
        self._scale(1 + amount * noise[..., None])

    def gradient(self, top: float, bottom: float) -> None:
        """Brighten the layer's top and bottom by these factors, and all between."""
        self._scale(np.linspace(top, bottom, len(self._color), dtype=np.float32)[:, None, None])

    def _scale(self, factor: NDArray[np.float32]) -> None:
        scaled = self._color * factor
        self._color = np.clip(scaled, 0, 255).astype(np.uint8)
        np.minimum(self._color, self._cover, out=self._color)  # an edge never gets brighter than it is opaque

    @cached_property
    def _shrunk(self) -> tuple[Image, Image]:
        size = (self.width, self.height)
        color = cv2.resize(self._color, size, interpolation=cv2.INTER_AREA)
        cover = cv2.resize(self._cover, size, interpolation=cv2.INTER_AREA)
        del self._color, self._cover  # finished: from here on it is only laid over pictures
        return np.asarray(color, np.uint8), np.asarray(cover, np.uint8)

    def over(self, picture: Image) -> tuple[Mask, int]:
        """Lay it over the picture in place; the pixels it covers there, and how many it covers in all.

        A layer is finished by its first use: nothing can be drawn on it afterwards.
        """
        color, cover = self._shrunk
        covered = np.zeros(picture.shape[:2], np.bool_)
        rows, columns = picture.shape[:2]
        top, left = max(self.top, 0), max(self.left, 0)
        bottom, right = min(self.top + self.height, rows), min(self.left + self.width, columns)
        if top < bottom and left < right:
            inner = np.s_[top - self.top : bottom - self.top, left - self.left : right - self.left]
            seen_through = cv2.multiply(picture[top:bottom, left:right], 255 - cover[inner], scale=1 / 255)
            picture[top:bottom, left:right] = cv2.add(seen_through, color[inner])
            covered[top:bottom, left:right] = cover[inner][..., 0] > 127
        return covered, int(np.count_nonzero(cover[..., 0] > 127))


def foliage(layer: Layer, rng: Generator, center_px: Points, spread_px: Sequence[float], color: Color) -> None:
    """A bush of pointed leaves, dark below and light on top."""
    leaves = max(40, int(spread_px[0] * spread_px[1] / 12))
    for depth in range(leaves):
        turn, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
        at = np.asarray(center_px) + reach * np.array([np.cos(turn) * spread_px[0], np.sin(turn) * spread_px[1]])
        long = rng.uniform(0.12, 0.24) * spread_px[0] + 1.5
        lit = 0.45 + 0.7 * depth / leaves - 0.25 * np.sin(turn) * reach
        layer.ellipse(at, (long, long * 0.38), rng.uniform(0, 180), shade(vary(color, rng, 0.15), lit))
