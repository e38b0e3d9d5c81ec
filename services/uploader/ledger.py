"""The ledger: where is every delivery that was ever promised?

Promises: pure. Over the distinct (sample, destination, revision):
accepted = acknowledged + pending + dead_lettered + evicted + missing + withdrawn; who breaks it is named.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.streams.samples import Design, Neighbour, Sample
from shared.streams.uploads import ACKNOWLEDGED, Receipt

Key = tuple[str, str, str]
"""(sample id, destination, revision); revision '' is the design, or a neighbour."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A sample and where it lies in `samples`."""

    partition: int
    offset: int
    sample: Sample


@dataclass(frozen=True, slots=True)
class Ledger:
    """`acknowledged` includes the uncertain: those a host may have twice, never not at all. `breakers`: promised, behind
    the uploader's committed offset, and without an end. They are in no other count."""

    accepted: int
    acknowledged: int
    pending: int
    dead_lettered: int
    evicted: int
    missing: int
    withdrawn: int
    breakers: tuple[Key, ...] = ()

    @property
    def balanced(self) -> bool:
        ends = self.acknowledged + self.dead_lettered + self.evicted + self.missing + self.withdrawn
        return self.accepted == ends + self.pending and not self.breakers


def ledger(
    samples: Iterable[Placed], receipts: Iterable[Receipt], committed: Mapping[int, int] | None = None
) -> Ledger:
    """Samples in the order of the log; receipts likewise (the last one of a key counts).

    `committed`: the uploader's committed offset of each partition. What lies behind it must have an end; without it
    every delivery that has none counts as pending.
    """
    ends = {(r.sample_id, r.destination, r.revision): r.outcome for r in receipts}
    promised = _promised(samples)
    states = {key: _state(ends.get(key), placed, committed or {}) for key, placed in promised.items()}
    counts = dict.fromkeys((*_STATES, "lost"), 0)
    for state in states.values():
        counts[state] += 1
    breakers = tuple(sorted(key for key, state in states.items() if state == "lost"))
    return Ledger(accepted=len(promised), breakers=breakers, **{state: counts[state] for state in _STATES})


_STATES = ("acknowledged", "pending", "dead_lettered", "evicted", "missing", "withdrawn")


def _promised(samples: Iterable[Placed]) -> dict[Key, Placed]:
    """Every delivery that the samples name. Of several samples with one id and revision the first in the log counts; a
    frame that was drawn after it had been kept as a neighbour is a design."""
    first: dict[tuple[str, str], Placed] = {}
    for placed in samples:
        key = (placed.sample.sample_id, placed.sample.revision)
        known = first.setdefault(key, placed)
        if isinstance(placed.sample, Design) and isinstance(known.sample, Neighbour):
            first[key] = placed
    return {
        (sample_id, destination, revision): placed
        for (sample_id, revision), placed in first.items()
        for destination in placed.sample.destinations
    }


def _state(outcome: str | None, placed: Placed, committed: Mapping[int, int]) -> str:
    if outcome is not None:
        return "acknowledged" if outcome in ACKNOWLEDGED or outcome == "uncertain" else outcome
    if placed.sample.image is None:
        return "missing"
    return "lost" if placed.offset < committed.get(placed.partition, 0) else "pending"
