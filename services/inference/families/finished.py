"""Outputs of graphs that suppress by themselves: rows of box, score and class, some of which may be padding.

Also what such families share that count their classes from 1, their 0 being the background.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.inference.placement import Floats


def surest(boxes: Floats, scores: Floats, lowest: float, most: int) -> NDArray[np.intp]:
    """Indices of the rows of (N, 4) and (N,) that count, the surest first: above the lowest score, every number a number."""
    known = np.isfinite(scores) & np.isfinite(boxes).all(axis=1)
    seen = np.flatnonzero(known & (scores > lowest))
    return np.asarray(seen[np.argsort(-scores[seen], kind="stable")][:most], np.intp)


def first_number(names: Sequence[str] | Mapping[int, str] | None) -> int:
    """The number of a list's first name: 1, or 0 where the list itself begins with the background, as torchvision's do."""
    if names is None or isinstance(names, Mapping):
        return 1
    return 0 if names[0].strip("_ ").lower() == "background" else 1
