"""Counts: what this replica met, drew and passed, from the batch in hand until the state store has it. Pure.

Promises: a batch that is handed in again counts once (`begin`, `settle`); what was sent and may not have arrived is sent again
only when the store's mark says that it did not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from services.sampler.plan.account import Totals
from services.sampler.plan.bins import BINS
from shared.streams.keys import safe

_NONE = [0] * BINS
Due = dict[str, Counter[str]]
"""key → field → count."""


class Fields:
    """What one strategy's counts are called in the store."""

    def __init__(self, label: str) -> None:
        self.met = tuple(f"{safe(label)}/{number}" for number in range(BINS))
        self.drawn, self.passed = f"{safe(label)}/drawn", f"{safe(label)}/passed"

    def totals(self, stored: Mapping[str, int]) -> Totals:
        met = tuple(stored.get(field, 0) for field in self.met)
        return Totals(met, stored.get(self.drawn, 0), stored.get(self.passed, 0))


class Counts:
    """`met`: label → frames by bin, of the batch in hand; the lists stay the same ones, so the hot path may hold them."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.fields = {label: Fields(label) for label in labels}
        self.met = {label: [0] * BINS for label in labels}
        self.sources: Counter[str] = Counter()
        self._draws: Counter[str] = Counter()
        self._due: Due = {}
        self._sent: Due = {}
        self._mark = 0

    def begin(self) -> None:
        """A batch begins, perhaps again."""
        for met in self.met.values():
            met[:] = _NONE
        self.sources.clear()

    def drawn(self, label: str, passed: bool) -> None:
        """A draw that was decided now. It stays counted when its batch is handed in again: then it was decided before."""
        fields = self.fields[label]
        self._draws[fields.drawn] += 1
        if passed:
            self._draws[fields.passed] += 1

    def settle(self, totals_key: str, sources_key: str) -> None:
        """The batch is through: its counts are due, under these keys."""
        for label, met in self.met.items():
            named = zip(self.fields[label].met, met, strict=True)
            _add(self._due, totals_key, {field: count for field, count in named if count})
        _add(self._due, totals_key, self._draws)
        self._draws.clear()
        _add(self._due, sources_key, self.sources)
        self.begin()

    def to_send(self, mark: int) -> Mapping[str, Mapping[str, int]]:
        """key → field → what to add, with what did not arrive before. `mark`: how many times the store has been added to."""
        if mark == self._mark:
            for key, counts in self._sent.items():
                _add(self._due, key, counts)
        self._sent, self._due, self._mark = self._due, {}, mark
        return self._sent


def _add(due: Due, key: str, counts: Mapping[str, int]) -> None:
    if counts:
        due.setdefault(key, Counter()).update(counts)
