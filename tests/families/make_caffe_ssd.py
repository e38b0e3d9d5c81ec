"""A reference for SSD in Caffe's layout: a small graph whose rows are those of DetectionOutput.

python 3.11, pip install torch==2.15.0 onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless
From the root: OMP_NUM_THREADS=1 python -m tests.families.make_caffe_ssd

There is no package to ask: the rows are read as OpenVINO's and OpenCV's public samples read them (resize to the input, BGR as
it is, stop at the first row whose image is below 0, corners times width and height, classes from 1).
"""

from typing import Any

import cv2
import numpy as np
import onnxruntime
import torch
from torch import nn

from tests.families.make_mmdeploy import Detector
from tests.families.pictures import picture
from tests.families.written import FOLDER, boxes_case, steady, write

NAMES = ["reddish", "greenish", "bluish"]
SIDE_PX = 160


class Rows(nn.Module):  # type: ignore[misc]
    """The same detector, each row as image, class, score, corners in 0..1; an end mark, then rubbish as Caffe leaves it."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        dets, labels = self.detector(image)
        rows = torch.cat([labels[0, :, None] + 1.0, dets[0, :, 4:], dets[0, :, :4] / SIDE_PX], 1)[:-1]
        rows = torch.cat([torch.zeros_like(rows[:, :1]), rows], 1)
        end, rubbish = -torch.ones_like(rows[:1]), rows[:1]
        return torch.cat([rows, end, rubbish])[None, None]


def prepared(image: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """BGR bytes as floats, stretched."""
    planes = cv2.resize(image, (SIDE_PX, SIDE_PX)).astype(np.float32).transpose(2, 0, 1)
    return np.ascontiguousarray(planes), None


def case(session: Any, size_px: tuple[int, int]) -> dict[str, Any]:
    boxes, scores, labels = [], [], []
    for image, label, score, *box in session.run(None, {"data": prepared(picture(*size_px))[0][None]})[0][0, 0]:
        if image < 0:
            break
        boxes.append(np.array(box) * np.tile(size_px, 2))
        scores.append(score)
        labels.append(int(label))
    return boxes_case(size_px, boxes, scores, labels)


def make() -> None:
    torch.manual_seed(8)
    detector = Detector().eval()
    detector.settle(prepared)
    path = FOLDER / "caffe_ssd.onnx"
    torch.onnx.export(
        Rows(detector).eval(),
        (torch.rand(1, 3, SIDE_PX, SIDE_PX) * 255,),
        str(path),
        input_names=["data"],
        output_names=["detection_out"],
        opset_version=17,
        dynamo=False,
    )
    session = onnxruntime.InferenceSession(str(path))
    print([(one.name, one.shape, one.type) for one in (*session.get_inputs(), *session.get_outputs())])
    head = {"model": path.name, "made_with": "a graph in Caffe's layout", "family": "caffe-ssd", "task": "detect"}
    cases = steady(lambda size_px: case(session, size_px))
    write(path.with_suffix(".json"), {**head, "sidecar": {"names": NAMES}}, cases)


if __name__ == "__main__":
    make()
