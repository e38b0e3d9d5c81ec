"""A pinhole camera above a doorstep: metres in, pixels out.

World: x to the right, y up from the floor, z from the wall (0) towards the camera. Picture: 640x360.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 640, 360

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    height_m: float = 1.85
    distance_m: float = 3.3
    side_m: float = 0.0
    pitch_deg: float = 26.0
    focal_px: float = 500.0

    def _depth_and_rise(self, world_m: Points) -> tuple[Points, Points]:
        pitch = np.radians(self.pitch_deg)
        up, away = world_m[..., 1] - self.height_m, self.distance_m - world_m[..., 2]
        return away * np.cos(pitch) - up * np.sin(pitch), up * np.cos(pitch) + away * np.sin(pitch)

    def project(self, world_m: Points) -> Points:
        """World points [..., 3] to pixels [..., 2] (column, row); points must lie in front of the camera."""
        depth_m, rise_m = self._depth_and_rise(world_m)
        scale = self.focal_px / np.maximum(depth_m, 0.05)
        column = WIDTH_PX / 2 + scale * (world_m[..., 0] - self.side_m)
        return np.stack([column, HEIGHT_PX / 2 - scale * rise_m], axis=-1)

    def pixels_per_metre(self, world_m: Points) -> float:
        return float(self.focal_px / max(float(self._depth_and_rise(world_m)[0]), 0.05))

    def faces(self, point_m: Points, normal: Points) -> bool:
        """Whether a plane through the point shows its front."""
        eye = np.array([self.side_m, self.height_m, self.distance_m])
        return bool(np.dot(eye - point_m, normal) > 0)
