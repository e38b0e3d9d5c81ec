"""Non-maximum suppression per class: of boxes that overlap, the surest stays.

Promises: the numbers of the Ultralytics reference (`utils/nms.py: non_max_suppression` as `predict` calls it): the best
class of each candidate only, classes kept apart by an offset, suppressed when IoU is strictly above the limit.
"""

import numpy as np
from numpy.typing import NDArray

from services.inference.preprocess import Floats

CLASS_OFFSET_PX = 7680
MAX_CANDIDATES = 30_000


def suppress(
    boxes: Floats, confidences: Floats, class_ids: NDArray[np.intp], iou: float, keep: int
) -> NDArray[np.intp]:
    """Indices of the boxes (N, 4) xyxy that stay, the surest first, at most `keep`."""
    order = np.argsort(-confidences, kind="stable")[:MAX_CANDIDATES]
    left, top, right, bottom = (boxes[order] + (class_ids[order] * np.float32(CLASS_OFFSET_PX))[:, None]).T
    areas = (right - left) * (bottom - top)
    rest, kept = np.arange(len(order)), list[np.intp]()
    while len(rest) and len(kept) < keep:
        best, rest = rest[0], rest[1:]
        kept.append(best)
        width = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest])
        height = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        rest = rest[shared <= iou * (areas[best] + areas[rest] - shared)]
    return order[np.array(kept, np.intp)]
