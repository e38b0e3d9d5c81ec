"""A stream of frames with scores and a known truth, and two ways to draw from it (SCIENCE B.6).

Promises: pure but for the generator; every probability is fixed before the draw, and no frame's is 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES = 20_000
FLOOR_SHARE = 0.3
INDEPENDENT = 0.3
"""Of the errors: nothing in the score says where they are."""
DESIGNS = ("mix", "threshold")

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Indices of the drawn frames, their probabilities, which of them the floor drew, and the floor's probability."""

    index: NDArray[np.intp]
    probability: Floats
    on_floor: Flags
    floor: float


def scores(rng: np.random.Generator, frames: int = FRAMES) -> Floats:
    """How doubtful the model is: most frames hardly, few very."""
    return rng.beta(0.6, 4.0, frames)


def wrong(rng: np.random.Generator, score: Floats, error_rate: float) -> Flags:
    likely = score**2 / (score**2).mean()
    chance = error_rate * (INDEPENDENT + (1 - INDEPENDENT) * likely)
    return np.asarray(rng.random(len(score)) < chance, bool)


def draw(rng: np.random.Generator, design: str, score: Floats, labels: int) -> Drawn:
    """About so many labels. `mix`: a floor and weights score^2. `threshold`: a floor and every frame above a score."""
    floor = FLOOR_SHARE * labels / len(score)
    informative = _scaled(score**2, labels - FLOOR_SHARE * labels) if design == "mix" else _top(score, labels)
    by_floor = rng.random(len(score)) < floor
    kept = np.flatnonzero(by_floor | (rng.random(len(score)) < informative))
    probability = 1 - (1 - floor) * (1 - informative[kept])
    return Drawn(kept, probability, by_floor[kept], floor)


def _scaled(weights: Floats, labels: float) -> Floats:
    """min(1, c w) that sum to `labels`: what the plan solves (SCIENCE A.2)."""
    low, high = 0.0, labels / weights.sum() * 1_000
    for _ in range(32):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(1, middle * weights).sum() < labels else (low, middle)
    return np.asarray(np.minimum(1, high * weights), float)


def _top(score: Floats, labels: int) -> Floats:
    most = round((1 - FLOOR_SHARE) * labels)
    return np.asarray(score > np.partition(score, -most - 1)[-most - 1], float)
