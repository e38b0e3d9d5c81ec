"""Rates: how often one caller may ask. A bucket per caller that fills with time (token bucket).

Promises: bounded memory; in this process alone, so that each replica counts its own. For the event loop's thread.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from services.feedback.refusals import TooMany

MOST_BUCKETS = 10_000
BURST = 2.0
"""Seconds' worth that may come at once."""
LEAST_RETRY_S = 0.05


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Rate:
    """At most `per_s` requests a second for each name, `burst` at once; `per_s=0`: as many as come."""

    def __init__(self, per_s: float, burst: float, now_s: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = max(1.0, burst)
        self._now_s = now_s
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str, where: str) -> None:
        """Raises TooMany, with the time after which there is room again."""
        if not self._per_s:
            return
        bucket = self._filled(name)
        if bucket.left < 1.0:
            after_s = max(LEAST_RETRY_S, (1.0 - bucket.left) / self._per_s)
            raise TooMany(f"expected at most {self._per_s:g} requests a second, got more", where, after_s)
        bucket.left -= 1.0

    def _filled(self, name: str) -> _Bucket:
        now_s = self._now_s()
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now_s))
        bucket.left = min(self._burst, bucket.left + max(0.0, now_s - bucket.at_s) * self._per_s)
        bucket.at_s = now_s
        self._buckets.move_to_end(name)
        if len(self._buckets) > MOST_BUCKETS:  # who was quiet the longest has a full one, or asks from many names
            self._buckets.popitem(last=False)
        return bucket
