"""Class weights: boxes of classes that are wrong more often count for more (SCIENCE C). Pure."""

from collections.abc import Iterable
from functools import cached_property

from pydantic import Field

from services.sampler.strategies.selecting import SelectingStrategy
from shared.streams.predictions import ClassScore, Detection, Probability

LEAST, MOST = 0.5, 3.0
Judged = list[tuple[float, Detection | ClassScore]]
"""Scores in [0, 1], each with what it is of."""


class WeightedStrategy(SelectingStrategy):
    """A strategy whose box scores are multiplied by their class's weight, 1 at most afterwards."""

    error_rates: dict[str, Probability] = Field(
        default_factory=dict,
        description="verified error rate per class name: boxes of a class that errs more than the mean count for more",
    )

    @cached_property
    def class_weights(self) -> dict[str, float]:
        """`clip(e_k / mean(e), 0.5, 3)` per class name; a class without a rate weighs 1."""
        rates = self.error_rates
        mean = sum(rates.values()) / len(rates) if rates else 0.0
        return {name: min(MOST, max(LEAST, rate / mean)) for name, rate in rates.items()} if mean else {}

    def weighted(self, judged: Iterable[tuple[float, Detection | ClassScore]]) -> Judged:
        weights = self.class_weights
        if not weights:
            return list(judged)
        return [(min(1.0, score * weights.get(one.class_name, 1.0)), one) for score, one in judged]
