"""Overlap: how much of two boxes is the same place. Pure."""

from shared.streams.predictions import Box


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two xyxy boxes, in [0, 1]; 0 where they do not meet or have no area."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    union = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both
    return min(1.0, both / union) if union > 0 else 0.0
