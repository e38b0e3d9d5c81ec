"""The models that learn, from scikit-learn, as ONNX files: what runs in production is a file, here too.

Promises: the same model for the same labels and seed. Needs scikit-learn and skl2onnx (docs/label-efficiency.md).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 17


@dataclass(frozen=True, slots=True)
class Trained:
    """An ONNX file whose last output is (n, classes) probabilities, and which class each column is."""

    onnx: bytes
    classes: tuple[int, ...]


Learner = Callable[[NDArray[np.float32], NDArray[np.int64], int], Trained]
"""`learn(seen (n, 64), truth (n,), seed)`."""


def mlp(seen: NDArray[np.float32], truth: NDArray[np.int64], seed: int) -> Trained:
    """One hidden layer of 64."""
    from sklearn.neural_network import MLPClassifier

    # The whole in one batch: scikit-learn's 200 leave a handful over at 201 labels, which throws the model back.
    whole = len(truth)
    perceptron = MLPClassifier((64,), batch_size=whole, learning_rate_init=0.01, max_iter=300, random_state=seed)
    return _trained(perceptron, seen, truth)


def logistic(seen: NDArray[np.float32], truth: NDArray[np.int64], seed: int) -> Trained:
    """Multinomial logistic regression, weakly regularised (C = 100)."""
    from sklearn.linear_model import LogisticRegression

    return _trained(LogisticRegression(C=100.0, max_iter=1000, random_state=seed), seen, truth)


def _trained(classifier: Any, seen: NDArray[np.float32], truth: NDArray[np.int64]) -> Trained:
    from skl2onnx import to_onnx
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # It stops after 300 passes: every arm's model does.
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(seen, truth)
    model = to_onnx(classifier, seen[:1], options={"zipmap": False}, target_opset=OPSET)
    return Trained(model.SerializeToString(), tuple(int(label) for label in classifier.classes_))


LEARNERS: dict[str, Learner] = {"mlp": mlp, "logistic": logistic}
