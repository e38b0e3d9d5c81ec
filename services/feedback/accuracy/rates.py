"""A share of all frames (or boxes) from the drawn ones: Horvitz-Thompson, with the gamma interval and the worst-case band.

Promises: pure; low <= value <= high, all in 0..1. What nobody decided is taken as good for the low end and as bad for the high
one, so that the interval is valid whatever it is.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.feedback.accuracy.intervals import ALPHA, Interval, fay_feuer


class Unit(NamedTuple):
    """A drawn frame: how likely its draw was, and how many of its parts are bad, good, undecided. A frame may be one part.

    `undecided` None: some are, and nobody knows how many.
    """

    probability: float
    bad: float = 0
    good: float = 0
    undecided: float | None = 0


class Rate(NamedTuple):
    value: float
    low: float
    high: float

    def complement(self) -> "Rate":
        return Rate(1 - self.value, 1 - self.high, 1 - self.low)


def rate(units: Sequence[Unit], total: int, least_probability: float, alpha: float = ALPHA) -> Rate:
    """The share of bad parts among all `total` parts of all frames, drawn or not (SCIENCE B.3, B.4).

    `least_probability`: no frame's was smaller, drawn or not. The value takes what is undecided to be like the rest.
    """
    bounds = _Bounds(total, least_probability, alpha)
    low, high = sorted(_ends(units, bounds))  # they cross where chance drew far too many of both
    value = min(max(_value(units, total), low), high)
    return Rate(value, low, high)


def weighted(parts: Iterable[tuple[float, float]]) -> float:
    """Horvitz-Thompson's total of (probability, count)."""
    return sum(count / probability for probability, count in parts)


def _ends(units: Sequence[Unit], bounds: "_Bounds") -> tuple[float, float]:
    bad, good = [(u.probability, u.bad) for u in units], [(u.probability, u.good) for u in units]
    if any(unit.undecided is None for unit in units):
        # What is known to be bad is, and what is known to be good is not: both hold whatever the others are.
        return bounds.gamma(bad).low, 1 - bounds.gamma(good).low
    rest = [(u.probability, u.undecided or 0) for u in units]
    low = bounds.of(bad, _both(good, rest)).low
    high = bounds.of(_both(bad, rest), good).high
    return low, high


def _both(some: "_Parts", others: "_Parts") -> "_Parts":
    return [(probability, one + other) for (probability, one), (_, other) in zip(some, others, strict=True)]


def _value(units: Sequence[Unit], total: int) -> float:
    bad, good = (weighted((u.probability, count) for u, count in zip(units, of, strict=True)) for of in _counts(units))
    if any(unit.undecided is None for unit in units):
        return bad / (bad + good) if bad + good else 0.0
    decided = total - weighted((u.probability, u.undecided or 0) for u in units)
    share = bad / decided if decided > 0 else 1.0
    return share if share <= 0.5 else 1 - good / decided if decided > 0 else share


def _counts(units: Sequence[Unit]) -> tuple[list[float], list[float]]:
    return [unit.bad for unit in units], [unit.good for unit in units]


_Parts = list[tuple[float, float]]
"""(inclusion probability, count)."""


class _Bounds(NamedTuple):
    total: int
    least_probability: float
    alpha: float

    def of(self, bad: _Parts, good: _Parts) -> Interval:
        """Of the rarer of the two: the interval is made for rare events."""
        if weighted(bad) <= self.total / 2:
            return self.gamma(bad)
        return self.gamma(good).complement()

    def gamma(self, parts: _Parts) -> Interval:
        """What was drawn for certain is a constant, without sampling error."""
        certain = sum(count for probability, count in parts if probability >= 1) / self.total
        drawn = [(probability, count) for probability, count in parts if probability < 1]
        variance = sum((1 - probability) * (count / probability) ** 2 for probability, count in drawn) / self.total**2
        interval = fay_feuer(weighted(drawn) / self.total, variance, self._largest_weight(parts), self.alpha)
        return interval.shifted(certain)

    def _largest_weight(self, parts: _Parts) -> float:
        if self.least_probability >= 1:
            return 0.0
        counts = [count for _, count in parts if count > 0]
        typical = sum(counts) / len(counts) if counts else 1.0
        return typical / (self.total * self.least_probability)
