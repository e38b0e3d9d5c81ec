"""Key points as Ultralytics' pose heads write them: K points of x, y and, if there are three numbers, a confidence.

Promises: pixels of the original image, clipped to it (`utils/ops.py: scale_coords`); a confidence for each, 1 if none is given.
"""

from collections.abc import Mapping

import numpy as np

from shared.models.families.metadata import literal
from shared.models.placement import Floats, Placement


def keypoint_shape(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    """How many, and how many numbers each; None where the file does not say it."""
    match literal(metadata, "kpt_shape"):
        case [int(count), 2 | 3 as numbers] if count > 0:
            return count, numbers
    return None


def columns_of(metadata: Mapping[str, str]) -> int | None:
    """Numbers that the key points of one box take."""
    shape = keypoint_shape(metadata)
    return None if shape is None else shape[0] * shape[1]


def keypoints_in(columns: Floats, shape: tuple[int, int], placement: Placement) -> Floats | None:
    """(N, K, 3) of columns (N, K * numbers); None where there are too few columns."""
    count, numbers = shape
    if columns.shape[1] < count * numbers:
        return None
    points = columns[:, : count * numbers].reshape(-1, count, numbers)
    confidences = points[:, :, 2:] if numbers == 3 else np.ones((*points.shape[:2], 1), np.float32)
    return np.concatenate([placement.points_back(points[:, :, :2]), confidences], axis=2)
