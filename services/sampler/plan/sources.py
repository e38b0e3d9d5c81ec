"""Sources: by which factor the floor weighs the frames of each, so that a quiet camera is checked too. Pure.

Promises: every source gets its minimum of random checks, as far as the floor's budget goes; the rest falls on frames alike. No
source weighs a thousand times less than another. A source that nobody met yet weighs as if its share were fair.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.sampler.plan.bins import LIGHTEST


@dataclass(frozen=True, slots=True)
class Factors:
    """source id → factor in (0, 1]."""

    known: Mapping[str, float] = field(default_factory=dict)
    unknown: float = 1.0

    def of(self, source_id: str) -> float:
        return self.known.get(source_id, self.unknown)


def factors(frames: Mapping[str, int], span_s: float, floor_per_s: float, least_per_s: float) -> Factors:
    """From the frames that each source had in `span_s`, the floor's budget, and the least that each source should get.

    A source of `n_s` frames per second is drawn with `(B - S m) / n + m / n_s`, where m is its minimum (SCIENCE A.2, DESIGN 7).
    """
    rates = {source: count / span_s for source, count in frames.items() if count > 0}
    if not rates:
        return Factors()
    in_all = sum(rates.values())
    least = min(least_per_s, floor_per_s / len(rates))
    rest = (floor_per_s - len(rates) * least) / in_all
    probabilities = {source: min(1.0, rest + least / rate) for source, rate in rates.items()}
    most = max(probabilities.values())
    fair = min(1.0, floor_per_s / in_all) / most
    return Factors(
        {source: max(LIGHTEST, probability / most) for source, probability in probabilities.items()},
        max(LIGHTEST, min(1.0, fair)),
    )
