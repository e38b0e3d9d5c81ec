"""Aggregation: one score of many. Pure.

Promises: scores in [0, 1] give a score in [0, 1]; none give 0. `sum` is the noisy-or (SCIENCE C): how likely one of them is
right, were they independent; it favours crowded frames, which also cost more to label.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

Aggregation = Literal["max", "sum", "mean"]


def noisy_or(scores: Iterable[float]) -> float:
    """`1 - prod(1 - s)`."""
    none = 1.0
    for score in scores:
        none *= 1.0 - score
    return 1.0 - none


def _largest(scores: Sequence[float]) -> float:
    return max(scores, default=0.0)


def _mean(scores: Sequence[float]) -> float:
    return min(1.0, sum(scores) / len(scores)) if scores else 0.0


TOGETHER: dict[Aggregation, Callable[[Sequence[float]], float]] = {"max": _largest, "sum": noisy_or, "mean": _mean}
