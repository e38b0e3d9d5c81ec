"""Matching: which boxes of two models are the same object. Pure.

Promises: one to one, the closest pairs first; the same for the same boxes in any order, ties aside.
"""

from collections.abc import Sequence

from services.sampler.strategies.overlap import iou
from shared.streams.predictions import Detection

SAME_OBJECT_IOU = 0.5


def matches(ours: Sequence[Detection], theirs: Sequence[Detection], least_iou: float = SAME_OBJECT_IOU) -> int:
    """How many boxes of one class have a partner of the same class that overlaps by at least `least_iou`."""
    pairs = sorted(
        (
            (overlap, i, j)
            for i, one in enumerate(ours)
            for j, other in enumerate(theirs)
            if one.class_name == other.class_name and (overlap := iou(one.box, other.box)) >= least_iou
        ),
        key=lambda pair: -pair[0],
    )
    left, right = set(range(len(ours))), set(range(len(theirs)))
    for _, i, j in pairs:
        if i in left and j in right:
            left.remove(i)
            right.remove(j)
    return len(ours) - len(left)
