"""Turned boxes (cx, cy, width, height, angle in radians): what overlaps, and the upright rectangle around each.

Promises: the numbers of Ultralytics 8.4 (`utils/metrics.py: batch_probiou`, `utils/nms.py: TorchNMS.fast_nms`).
"""

import numpy as np
from numpy.typing import NDArray

from shared.models.families.nms import CLASS_OFFSET_PX
from shared.models.placement import Floats

MAX_CANDIDATES = 3000
"""Overlaps are a square matrix; below the surest of these, nothing would be among the 300 that are kept."""
EPSILON = np.float32(1e-7)


def suppress_turned(
    boxes: Floats, confidences: Floats, class_ids: NDArray[np.intp], iou: float, keep: int
) -> NDArray[np.intp]:
    """Indices of the boxes (N, 5) that no surer box of their class overlaps by more than `iou`, the surest first.

    As in the reference, a box that was itself dropped still drops others.
    """
    order = np.argsort(-confidences, kind="stable")[:MAX_CANDIDATES]
    shifted = boxes[order].copy()
    shifted[:, :2] += (class_ids[order] * np.float32(CLASS_OFFSET_PX))[:, None]
    surer_overlap = np.triu(overlaps(shifted), k=1).max(axis=0, initial=0.0)
    return np.asarray(order[surer_overlap <= iou][:keep], np.intp)


def overlaps(boxes: Floats) -> Floats:
    """(N, N): how alike the boxes (N, 5) are as Gaussians, 0 to 1 (ProbIoU, arXiv 2106.06072)."""
    x, y = boxes[:, 0], boxes[:, 1]
    a, b, c = (one[:, None] + one for one in _covariance(boxes))
    dx, dy = x[:, None] - x, y[:, None] - y
    spread = a * b - c**2
    apart = (a * dy**2 + b * dx**2 - 2 * c * dx * dy) / (spread + EPSILON) / 4
    area = np.sqrt(np.maximum(_determinant(boxes), 0))
    shape = np.log(spread / (4 * area[:, None] * area + EPSILON) + EPSILON) / 2
    distance = np.clip(apart + shape, EPSILON, 100.0)
    return np.asarray(1 - np.sqrt(1 - np.exp(-distance) + EPSILON), np.float32)


def around(boxes: Floats) -> Floats:
    """(N, 4) xyxy: the smallest upright rectangles that hold the boxes (N, 5)."""
    width, height, angle = boxes[:, 2], boxes[:, 3], boxes[:, 4]
    cos, sin = np.abs(np.cos(angle)), np.abs(np.sin(angle))
    half = np.stack([width * cos + height * sin, width * sin + height * cos], axis=1) / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def _covariance(boxes: Floats) -> tuple[Floats, Floats, Floats]:
    """Of a uniform density over each box: [[a, c], [c, b]]."""
    (wide, high), angle = (boxes[:, 2:4] ** 2 / 12).T, boxes[:, 4]
    cos, sin = np.cos(angle), np.sin(angle)
    return wide * cos**2 + high * sin**2, wide * sin**2 + high * cos**2, (wide - high) * cos * sin


def _determinant(boxes: Floats) -> Floats:
    a, b, c = _covariance(boxes)
    return np.asarray(a * b - c**2, np.float32)
