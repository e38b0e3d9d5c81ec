"""When to try what again: what goes first, how long to wait, and the breaker of each destination.

Promises: no clock and no dice of its own; times come in, jitter is a hash of the pair's id, so a schedule can be replayed.
"""

from dataclasses import dataclass

from shared.streams import ids
from shared.streams.samples import Neighbour, Revision, Sample

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 300.0
PAUSE_S = 300.0
FAILURES_TO_OPEN = 5
FLOOR_STRATEGIES = frozenset({"random", "every_nth"})


def backoff_s(failures: int, *key: str) -> float:
    """After the n-th failure: 1, 2, 4 … 300 s, of which the second half is spread by a hash of the key."""
    whole = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(failures - 1, 20))
    return whole * (0.5 + 0.5 * ids.draw(b"", "backoff", "", "", *key, str(failures)))


def priority(sample: Sample) -> int:
    """What goes first: 0 what a person said, 1 the floor (it alone gives honest numbers), 2 what else was drawn, 3 what
    was kept beside it. Then age."""
    if isinstance(sample, Neighbour):
        return 3
    if isinstance(sample, Revision):
        return 2 if sample.effect == "affirm" else 0
    floor = sample.floor or FLOOR_STRATEGIES
    return 1 if any(reason.strategy in floor for reason in sample.reasons) else 2


@dataclass(slots=True)
class Breaker:
    """Whether a destination may be called now. Opens after five failures in a row; then one probe at a time."""

    failures: int = 0
    closed_until_s: float = 0.0

    def allows(self, now_s: float, most: int) -> int:
        """How many calls may be under way at this moment."""
        if now_s < self.closed_until_s:
            return 0
        return 1 if self.tripped else most

    @property
    def tripped(self) -> bool:
        return self.failures >= FAILURES_TO_OPEN

    def succeeded(self) -> None:
        self.failures, self.closed_until_s = 0, 0.0

    def failed(self, now_s: float, name: str, retry_after_s: float | None = None) -> None:
        """One more failure of the host's own (never a refusal: that host works)."""
        self.failures += 1
        wait_s = backoff_s(self.failures - FAILURES_TO_OPEN + 1, name) if self.tripped else 0.0
        self.closed_until_s = max(self.closed_until_s, now_s + max(wait_s, retry_after_s or 0.0))

    def blocked(self, now_s: float) -> None:
        """The host wants a person. One probe every five minutes."""
        self.failures = max(self.failures, FAILURES_TO_OPEN)
        self.closed_until_s = now_s + PAUSE_S
