"""Ultralytics' `Results` as far as their shape goes: the library itself is large and not installed for tests."""

from typing import Any

import numpy as np


class Boxes:
    def __init__(self, rows: list[list[float]], trackers: list[int] | None = None) -> None:
        data = np.array(rows, np.float32).reshape(-1, 6)
        self.xyxy, self.conf, self.cls = data[:, :4], data[:, 4], data[:, 5]
        self.id = None if trackers is None else np.array(trackers, np.float32)


class Probs:
    def __init__(self, shares: list[float]) -> None:
        self.data = np.array(shares, np.float32)


class Results:
    """`orig_shape` is (height, width)."""

    def __init__(self, boxes: Boxes | None = None, probs: Probs | None = None, obb: Boxes | None = None) -> None:
        self.boxes, self.probs, self.obb = boxes, probs, obb
        self.names = {0: "package", 1: "person"}
        self.orig_shape = (48, 64)
        self.speed: dict[str, Any] = {"preprocess": 1.23456, "inference": 20.0, "postprocess": None}


Results.__module__ = "ultralytics.engine.results"
