"""Intervals around a rate that was estimated from draws of known, unequal probability (SCIENCE B.4).

Promises: pure; 0 <= low <= high <= 1; a smaller `alpha` never gives a narrower interval. What is certain (drawn with
probability 1) carries no sampling error: callers add it as a constant.
"""

import math
from typing import NamedTuple

from scipy.stats import beta, chi2

ALPHA = 0.05
"""One interval in twenty may miss the truth, half of them on each side."""


class Interval(NamedTuple):
    low: float
    high: float

    def shifted(self, constant: float) -> "Interval":
        """With a part of the rate that is known for certain."""
        return Interval(_within(self.low + constant), _within(self.high + constant))

    def complement(self) -> "Interval":
        """Of 1 - rate."""
        return Interval(1 - self.high, 1 - self.low)


def fay_feuer(rate: float, variance: float, largest_weight: float, alpha: float = ALPHA) -> Interval:
    """The gamma interval of a weighted sum of rare events: Fay and Feuer 1997, as in `asht::wspoissonTest`.

    `rate`        theta = (1/N) sum y_i / pi_i, without the units whose pi is 1
    `variance`    v = (1/N^2) sum (1 - pi_i) y_i^2 / pi_i^2
    `largest_weight`  wM, the most that one more event could add to the rate: 1 / (N pi_min); 0 where every pi is 1

        low  = v / (2 theta) * chi2(alpha/2; 2 theta^2 / v)
        high = (v + wM^2) / (2 (theta + wM)) * chi2(1 - alpha/2; 2 (theta + wM)^2 / (v + wM^2))

    No event: low is 0, high is wM ln(2/alpha), the rule of three. A rate without variance is certain, and is the low end.
    """
    if variance <= 0:
        return Interval(_within(rate), _within(rate + largest_weight * math.log(2 / alpha)))
    low = _gamma(rate, variance, alpha / 2)
    high = _gamma(rate + largest_weight, variance + largest_weight**2, 1 - alpha / 2)
    return Interval(_within(low), _within(high))


def _gamma(rate: float, variance: float, quantile: float) -> float:
    """The quantile of a gamma distribution with this mean and variance, by way of chi-square."""
    return float(variance / (2 * rate) * chi2.ppf(quantile, 2 * rate**2 / variance))


def korn_graubard(rate: float, variance: float, effective_size: float, alpha: float = ALPHA) -> Interval:
    """Where the total is unknown: Clopper-Pearson with an effective sample size (Korn and Graubard 1998, as in
    `survey::svyciprop(method="beta")`), which is never larger than `effective_size`.

    `variance`        v = sum (1 - pi) w^2 (y - rate)^2 / (sum w)^2
    `effective_size`  Kish's (sum w)^2 / sum w^2. Without this cap the interval covers the truth in 55 to 97 % (SCIENCE B.4).
    """
    # Where all units agree no variance is seen, and the cap is all that is known.
    size = effective_size if variance <= 0 else min(rate * (1 - rate) / variance, effective_size)
    return clopper_pearson(rate * size, size, alpha)


def clopper_pearson(events: float, trials: float, alpha: float = ALPHA) -> Interval:
    """The exact binomial interval; also for an effective, fractional number of trials. Of none: everything is possible."""
    if trials <= 0:
        return Interval(0.0, 1.0)
    low = 0.0 if events <= 0 else float(beta.ppf(alpha / 2, events, trials - events + 1))
    high = 1.0 if events >= trials else float(beta.ppf(1 - alpha / 2, events + 1, trials - events))
    return Interval(low, high)


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)
