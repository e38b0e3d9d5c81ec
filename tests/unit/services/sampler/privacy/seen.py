"""What the privacy step is tried on: frames with marks at known places, their predictions, and a model that finds colours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from shared.imaging import Image
from shared.streams.frames import FrameRef
from shared.streams.predictions import Box, Detection, Keypoint, Prediction
from tests.unit.shared.models.test_broken_files import saved

SIDE_PX, CELL_PX = 128, 4
RED, BLUE = (0, 0, 255), (255, 0, 0)
NAMES = {"task": "detect", "imgsz": f"[{SIDE_PX}, {SIDE_PX}]", "names": "{0: 'face', 1: 'plate'}"}


def frame_px(width_px: int = SIDE_PX, height_px: int = SIDE_PX, seed: int = 0) -> Image:
    """Grey noise in which every pixel differs from black."""
    grey = np.random.default_rng(seed).integers(60, 200, (height_px, width_px, 1))
    return np.repeat(grey, 3, axis=2).astype(np.uint8)


def png(image: Image) -> bytes:
    """Without loss, so that what is outside of a region can be compared."""
    return cv2.imencode(".png", image)[1].tobytes()


def detection(box: Box, name: str = "person", confidence: float = 0.9, points: tuple[Keypoint, ...] = ()) -> Detection:
    return Detection(box=box, class_id=0, class_name=name, confidence=confidence, keypoints=points)


def prediction(*detections: Detection, **more: Any) -> Prediction:
    ref = FrameRef(
        stream="frames", partition=0, offset=7, time_ms=1_700_000_000_000, frame_id="f", sha256="0" * 64, size=6
    )
    fields: dict[str, Any] = {"source_id": "yard", "width_px": SIDE_PX, "height_px": SIDE_PX, "threshold": 0.5}
    return Prediction(frame=ref, model_id="doors", model_version="v1", detections=detections, **{**fields, **more})


def colour_finder(path: Path, on_bright: Sequence[float] = (1, 1, 1)) -> Path:
    """A detector of red cells (face) and blue ones (plate), four pixels wide.

    `on_bright`: factors of the scores for frames of a mean brightness of 0 to 0.5, 0.5 to 1, and 1; where one is not there,
    the model fails on such frames.
    """
    cells = SIDE_PX // CELL_PX
    x, y = (np.mgrid[:cells, :cells].reshape(2, -1)[::-1] + 0.5) * CELL_PX
    sides = np.full_like(x, CELL_PX)
    constants: dict[str, Any] = {
        "boxes": np.stack([x, y, sides, sides])[None].astype(np.float32),
        "kinds": np.array([[[1], [-1], [0]], [[0], [-1], [1]]], np.float32)[..., None],
        "flat": np.array([1, 2, cells * cells]),
        "two": np.float32(2),
        "factors": np.array(on_bright, np.float32),
    }
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 6, cells * cells])
    return saved(path, _nodes(), [output], weights=weights, shape=[1, 3, SIDE_PX, SIDE_PX], metadata=NAMES)


def _nodes() -> list[onnx.NodeProto]:
    """Red less green and blue less green, averaged over each cell; times the factor for the frame's brightness."""
    node = helper.make_node
    return [
        node("AveragePool", ["images"], ["colours"], kernel_shape=[CELL_PX] * 2, strides=[CELL_PX] * 2),
        node("Conv", ["colours", "kinds"], ["kinds_of_cells"]),
        node("Relu", ["kinds_of_cells"], ["likely"]),
        node("Reshape", ["likely", "flat"], ["scores"]),
        node("ReduceMean", ["images"], ["mean"], keepdims=0),
        node("Mul", ["mean", "two"], ["doubled"]),
        node("Cast", ["doubled"], ["which"], to=TensorProto.INT64),
        node("Gather", ["factors", "which"], ["factor"], axis=0),
        node("Mul", ["scores", "factor"], ["weighed"]),
        node("Concat", ["boxes", "weighed"], ["output0"], axis=1),
    ]


def twelve_rows(path: Path, sure: int) -> Path:
    """A detector that always answers with twelve boxes, suppressed inside it, and is sure of so many."""
    confidences = np.where(np.arange(12) < sure, 0.9, 0.1)
    boxes = np.array([(8 * row, 8 * row, 8 * row + 6, 8 * row + 6) for row in range(12)])
    rows = np.column_stack([boxes, confidences, np.zeros(12)])[None].astype(np.float32)
    weights = [numpy_helper.from_array(rows, "rows"), numpy_helper.from_array(np.float32(0), "nought")]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["output0"]),
    ]
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 12, 6])
    metadata = {**NAMES, "end2end": "True"}
    return saved(path, nodes, [output], weights=weights, shape=[1, 3, SIDE_PX, SIDE_PX], metadata=metadata)
