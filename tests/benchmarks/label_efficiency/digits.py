"""The digits that the clips show: scikit-learn's, 8 x 8 in 17 greys, in two halves that never meet.

Promises: what the stream shows is never in the test; the halves are the seed's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STREAMED = 900
BRIGHTEST = 16.0


@dataclass(frozen=True, slots=True)
class Digits:
    """`images` (n, 8, 8) in 0..1, `labels` (n,) in 0..9."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __getitem__(self, chosen: NDArray[np.int64]) -> "Digits":
        return Digits(self.images[chosen], self.labels[chosen])


def load() -> Digits:
    """All 1,797 of them. Needs scikit-learn."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return Digits((images.reshape(-1, 8, 8) / BRIGHTEST).astype(np.float32), labels.astype(np.int64))


def halves(digits: Digits, streamed: int, rng: np.random.Generator) -> tuple[Digits, Digits]:
    """What the stream may show, and what the model is tested on."""
    order = rng.permutation(len(digits.labels))
    return digits[order[:streamed]], digits[order[streamed:]]
