"""The ONNX classifier of a round, and what it says of frames: predictions as the inference service writes them.

Promises: a classifier's five best classes, most probable first. Which model said it is in each prediction.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from shared.streams.frames import Frame
from shared.streams.predictions import ClassScore, Prediction
from tests.benchmarks.label_efficiency.learners import Trained
from tests.benchmarks.label_efficiency.pictures import SIDE_PX

BEST = 5
MODEL_ID = "digits"
THRESHOLD = 0.5


class Classifier:
    def __init__(self, trained: Trained) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(trained.onnx, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[-1].name
        self._classes = np.array(trained.classes)
        self.version = hashlib.sha256(trained.onnx).hexdigest()[:12]

    def probabilities(self, seen: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 64) → (n, classes it knows)."""
        return np.asarray(self._session.run([self._output], {self._input: seen})[0], np.float32)

    def says(self, seen: NDArray[np.float32]) -> NDArray[np.int64]:
        """The most probable class of each."""
        return np.asarray(self._classes[self.probabilities(seen).argmax(axis=1)], np.int64)

    def predictions(self, frames: "list[Frame]", seen: NDArray[np.float32]) -> Iterator[Prediction]:
        for frame, scores in zip(frames, self.probabilities(seen), strict=True):
            yield Prediction(
                frame=frame.ref,
                source_id=frame.source_id,
                producer_frame_id=frame.producer_frame_id,
                frame_index=frame.frame_index,
                width_px=SIDE_PX,
                height_px=SIDE_PX,
                model_id=MODEL_ID,
                model_version=self.version,
                task="classify",
                threshold=THRESHOLD,
                classes=self._best(scores),
            )

    def _best(self, scores: NDArray[np.float32]) -> tuple[ClassScore, ...]:
        best = np.argsort(-scores, kind="stable")[:BEST]
        return tuple(self._score(int(self._classes[i]), float(scores[i])) for i in best)

    @staticmethod
    def _score(label: int, confidence: float) -> ClassScore:
        return ClassScore(class_id=label, class_name=str(label), confidence=min(1.0, max(0.0, confidence)))
