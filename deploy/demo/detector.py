"""The demo's detector, run on its own: letterbox, ONNX Runtime, decode, suppression, in plain numpy and OpenCV.

Only to measure the model (`evaluate.py`) and to test the files here; the service reads the same file its own way.
"""

import ast
import os
from dataclasses import dataclass
from pathlib import Path

# As in shared/models: it reports to its makers unless this is set before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from deploy.demo.brushes import Image

MODEL_PATH = Path(__file__).with_name("packages.onnx")
SIDE_PX = 320

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Found:
    class_name: str
    xyxy: Box
    confidence: float


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two xyxy boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / max(sum(areas) - shared, 1e-9)


def letterbox(picture: Image) -> tuple[NDArray[np.float32], float, tuple[int, int]]:
    """A picture as the network wants it [1, 3, 320, 320], RGB 0..1; with its gain and its left and top border."""
    height, width = picture.shape[:2]
    gain = min(SIDE_PX / height, SIDE_PX / width)
    new_width, new_height = round(width * gain), round(height * gain)
    left, top = round((SIDE_PX - new_width) / 2 - 0.1), round((SIDE_PX - new_height) / 2 - 0.1)
    canvas = np.full((SIDE_PX, SIDE_PX, 3), 114, np.uint8)
    canvas[top : top + new_height, left : left + new_width] = cv2.resize(picture, (new_width, new_height))
    planes = canvas[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(planes), gain, (left, top)


class PackageDetector:
    def __init__(self, path: Path = MODEL_PATH, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self._names: dict[int, str] = ast.literal_eval(self.metadata["names"])

    def detect(self, picture: Image, at_least: float = 0.05, iou: float = 0.6) -> list[Found]:
        """What it finds with this confidence or more, best first; boxes in the picture's pixels."""
        planes, gain, border = letterbox(picture)
        rows: NDArray[np.float32] = self._session.run(None, {"images": planes})[0][0].T
        scores = rows[:, 4:].max(axis=1)
        rows = rows[scores >= at_least]
        rows = rows[np.argsort(-rows[:, 4:].max(axis=1), kind="stable")]
        kept: list[Found] = []
        for row in rows:
            found = self._found(row, gain, border)
            if all(found.class_name != other.class_name or overlap(found.xyxy, other.xyxy) < iou for other in kept):
                kept.append(found)
        return kept

    def _found(self, row: NDArray[np.float32], gain: float, border: tuple[int, int]) -> Found:
        x, y, width, height = (float(value) / gain for value in row[:4])
        left, top = x - width / 2 - border[0] / gain, y - height / 2 - border[1] / gain
        best = int(np.argmax(row[4:]))
        return Found(self._names[best], (left, top, left + width, top + height), float(row[4 + best]))
