"""References for TF Object Detection: a small detector with the exporter's own signature, through tf2onnx.

python 3.11, pip install tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnxruntime==1.32.0 opencv-python-headless
From the root: OMP_NUM_THREADS=1 python -m tests.families.make_tf_od

The signature is that of `exporter_lib_v2.py` (NHWC bytes in; eight floats out, boxes yxyx in 0..1, classes from 1), and of
the frozen graphs of TensorFlow 1 (`image_tensor:0`). The reference is the TensorFlow function, its boxes times the size.
"""

import tempfile
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx

from tests.families.pictures import picture
from tests.families.written import FOLDER, SIZES_PX, boxes_case, steady, write

NAMES = ["reddish", "greenish", "bluish"]
SIDE_PX, CELLS, FOUND = 64, 8, 30
FIXED_PX = (160, 128)
OLD_OUTPUTS = ("num_detections", "detection_boxes", "detection_scores", "detection_classes")


class Detector(tf.Module):  # type: ignore[misc]
    """Random features, then a head of 4 + 3 numbers for each of 8 x 8 cells; suppression as the exporter adds it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        dice = np.random.RandomState(seed)
        self.kernels = [dice.normal(0, (2 / (n * 9)) ** 0.5, (3, 3, n, m)).astype(np.float32) for n, m in LAYERS]
        self.head = dice.normal(0, 0.3, (1, 1, LAYERS[-1][1], 7)).astype(np.float32)
        self.scale, self.shift = np.ones(7, np.float32), np.zeros(7, np.float32)
        raw = np.concatenate([self._raw(tf.constant(picture(*size_px)[None, :, :, ::-1]))[0] for size_px in SIZES_PX])
        spread = raw.std(0)
        spread[4:] /= 1.6
        self.shift = (-raw.mean(0) / spread - [0, 0, 0, 0, 5, 5, 5]).astype(np.float32)
        self.scale = (1 / spread).astype(np.float32)

    def _raw(self, image: tf.Tensor) -> tf.Tensor:
        features = tf.image.resize(tf.cast(image, tf.float32), (SIDE_PX, SIDE_PX)) * (2 / 255) - 1
        for kernel in self.kernels:
            features = tf.nn.leaky_relu(tf.nn.conv2d(features, kernel, 2, "SAME"))
        head = tf.nn.conv2d(features, self.head, 1, "SAME")
        return tf.reshape(head, (1, CELLS * CELLS, 7)) * self.scale + self.shift

    def detections(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `DetectionInferenceModule._run_inference_on_images`: all of it floats, classes counted from 1."""
        raw = self._raw(image)
        boxes, scores = decoded(raw[:, :, :4]), tf.sigmoid(raw[:, :, 4:])
        best = tf.reduce_max(scores[0], 1)
        kept, count = tf.raw_ops.NonMaxSuppressionV4(
            boxes=boxes[0],
            scores=best,
            max_output_size=FOUND,
            iou_threshold=0.5,
            score_threshold=0.03,
            pad_to_max_output_size=True,
        )
        real = tf.cast(tf.range(FOUND) < count, tf.float32)
        classes = tf.cast(tf.argmax(tf.gather(scores[0], kept), 1), tf.float32)
        found = {
            "detection_anchor_indices": tf.cast(kept, tf.float32),
            "detection_boxes": tf.gather(boxes[0], kept) * real[:, None],
            "detection_classes": classes * real + 1,
            "detection_multiclass_scores": tf.gather(scores[0], kept),
            "detection_scores": tf.gather(best, kept) * real,
        }
        rest = {"raw_detection_boxes": boxes, "raw_detection_scores": scores}
        return (
            {key: value[None] for key, value in found.items()}
            | rest
            | {"num_detections": tf.cast(count, tf.float32)[None]}
        )

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)])  # type: ignore[untyped-decorator]
    def of_bytes(self, input_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.detections(input_tensor)

    @tf.function(input_signature=[tf.TensorSpec((1, FIXED_PX[1], FIXED_PX[0], 3), tf.float32)])  # type: ignore[untyped-decorator]
    def of_floats(self, input_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.detections(input_tensor)


LAYERS = ((3, 12), (12, 16), (16, 24))


def decoded(raw: tf.Tensor) -> tf.Tensor:
    """(1, N, 4) to yxyx in 0..1, inside the picture."""
    row, column = tf.meshgrid(tf.range(CELLS, dtype=tf.float32), tf.range(CELLS, dtype=tf.float32), indexing="ij")
    centre = (tf.reshape(tf.stack([row, column], -1), (1, -1, 2)) + tf.sigmoid(raw[:, :, :2])) / CELLS
    half = (tf.sigmoid(raw[:, :, 2:]) + 0.3) * 0.18
    return tf.clip_by_value(tf.concat([centre - half, centre + half], -1), 0.0, 1.0)


def saved(detector: Detector, function: Any, path: Any) -> None:
    """As `python -m tf2onnx.convert --saved-model`."""
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(detector, folder, signatures=function)
        graph, inputs, outputs = tf2onnx.tf_loader.from_saved_model(folder, None, None)
        converted, _ = tf2onnx.convert._convert_common(
            graph,
            input_names=inputs,
            output_names=outputs,
            opset=17,
            tensors_to_rename=renamed(folder),
        )
    onnx.save(converted, str(path))


def renamed(folder: str) -> dict[str, str]:
    *_, names = tf2onnx.tf_loader.from_saved_model(folder, None, None, return_tensors_to_rename=True)
    return dict(names)


def frozen(detector: Detector, path: Any) -> None:
    """As a frozen graph of TensorFlow 1: names with `:0`, four outputs, a free batch axis."""
    graph = tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.uint8, (None, None, None, 3), "image_tensor")
        for key, value in detector.detections(image).items():
            if key in OLD_OUTPUTS:
                tf.identity(value, key)
    tf2onnx.convert.from_graph_def(
        graph.as_graph_def(),
        input_names=["image_tensor:0"],
        output_names=[f"{key}:0" for key in OLD_OUTPUTS],
        opset=17,
        output_path=str(path),
    )


def case(
    detector: Detector, run: Callable[[np.ndarray], float], size_px: tuple[int, int], fixed: bool
) -> dict[str, Any]:
    image = picture(*size_px)[:, :, ::-1]
    if fixed:
        image = cv2.resize(image, FIXED_PX, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    said = {key: value.numpy()[0] for key, value in detector.detections(tf.constant(image[None])).items()}
    assert np.allclose(run(np.ascontiguousarray(image[None])), said["detection_scores"], atol=1e-4)
    boxes = said["detection_boxes"][:, [1, 0, 3, 2]] * np.tile(size_px, 2)
    return boxes_case(size_px, boxes, said["detection_scores"], said["detection_classes"])


def make(detector: Detector, name: str, fixed: bool = False) -> None:
    path = FOLDER / f"{name}.onnx"
    session = onnxruntime.InferenceSession(str(path))
    given = session.get_inputs()[0].name
    print([(one.name, one.shape, one.type) for one in (*session.get_inputs(), *session.get_outputs())])
    scores = next(one.name for one in session.get_outputs() if one.name.startswith("detection_scores"))
    cases = steady(
        lambda size_px: case(detector, lambda image: session.run([scores], {given: image})[0][0], size_px, fixed)
    )
    made_with = f"tensorflow {tf.__version__}, tf2onnx {tf2onnx.__version__}"
    head = {
        "model": path.name,
        "made_with": made_with,
        "family": "tf-od",
        "task": "detect",
        "sidecar": {"names": NAMES},
    }
    write(path.with_suffix(".json"), head, cases)


SEED = 4

if __name__ == "__main__":
    both = Detector(SEED)
    saved(both, both.of_bytes, FOLDER / "tf_od_v2.onnx")
    make(both, "tf_od_v2")
    frozen(both, FOLDER / "tf_od_v1.onnx")
    make(both, "tf_od_v1")
    saved(both, both.of_floats, FOLDER / "tf_od_fixed.onnx")
    make(both, "tf_od_fixed", fixed=True)
