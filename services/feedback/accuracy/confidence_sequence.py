"""The error rate watched all the time: bounds that hold at every moment at once (SCIENCE B.5).

Promises: pure; with probability 1 - alpha the true rate of the frames so far lies between the bounds at *all* looks, under any
drift, any dependence between frames, and probabilities that depend on the past. The state is a frame count and error weights.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.feedback.accuracy.intervals import ALPHA, Interval

_HALVINGS = np.arange(8.0)
_BISECTIONS = 60
"""Halves [0, 1] to below what a double can tell apart around a rate of one in a million."""


def bounds(
    errors: Sequence[float],
    frames: int,
    least_probability: float,
    pending: Sequence[float] = (),
    alpha: float = ALPHA,
) -> Interval:
    """Bounds of the share of wrong frames among all `frames` so far.

    `errors`, `pending`: the weights 1/pi of drawn frames that are wrong, and of those that nobody has judged (or can judge).
    The low end takes what is pending as right, the high end as wrong. `least_probability`: no frame's pi may be smaller.

    Mixtures over a fixed grid of prod(1 -+ l w) / (1 -+ l m)^t are non-negative supermartingales; by Ville's inequality each
    passes 2/alpha with probability alpha/2 at most, ever. Raises ValueError: no frames, or a weight above 1/least_probability.
    """
    _check(errors, pending, frames, least_probability)
    limit = math.log(2 / alpha)
    wrong = np.asarray(errors, float)
    most_wrong = np.concatenate([wrong, np.asarray(pending, float)])
    below = _evidence(-0.95 * least_probability * 0.5**_HALVINGS, most_wrong, frames)
    above = _evidence(np.geomspace(least_probability / 32, 2, 14), wrong, frames)
    low = 0.0 if above(0.0) < limit else _crossing(lambda rate: above(rate) >= limit)
    high = 1.0 if below(1.0) < limit else _crossing(lambda rate: below(rate) < limit)
    return Interval(low, max(low, high))


def _evidence(grid: NDArray[np.floating], weights: NDArray[np.floating], frames: int) -> Callable[[float], float]:
    """log mean_k exp(sum_j log(1 + g_k w_j) - t log(1 + g_k m)), as a function of m: what speaks against a rate of m.

    A thousand errors share few weights, and their sums are the same for every m: taken once.
    """
    values, counts = np.unique(weights, return_counts=True)
    sums = np.log1p(np.outer(grid, values)) @ counts

    def against(rate: float) -> float:
        exponents = sums - frames * np.log1p(grid * rate)
        most = exponents.max()
        return float(most + np.log(np.exp(exponents - most).mean()))

    return against


def _crossing(holds: Callable[[float], bool]) -> float:
    """Where a condition that holds at 0 and not at 1 stops to hold."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2


def _check(errors: Sequence[float], pending: Sequence[float], frames: int, least_probability: float) -> None:
    if frames < 1:
        raise ValueError(f"expected at least one frame, got {frames}")
    if not 0 < least_probability <= 1:
        raise ValueError(f"expected the smallest probability of any frame in (0, 1], got {least_probability}")
    heaviest = max((*errors, *pending), default=0.0)
    if heaviest * least_probability > 1 + 1e-6:
        raise ValueError(
            f"a weight of {heaviest:g} is 1 over a probability below the smallest one, {least_probability:g}"
        )
