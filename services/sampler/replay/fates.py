"""Fates: what became, or would become, of drawn frames: by what is recorded, else by the sampler's own gates and limits.

Promises: gates and limits are tried on a scratch store, in the order of the log time, so that windows and rings fill as they
would live. Where a gate would need pixels that are gone, the outcome is the one to be expected, and said to be uncertain.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from services.sampler.collection import Collection, as_decided
from services.sampler.drawing import Draw
from services.sampler.gates import OPEN
from services.sampler.keeping import DROPPED
from services.sampler.replay.drawn import GATES, KEPT, NEAR_DUPLICATE, QUALITY, UNDECIDED, Drawn, drawn
from services.sampler.replay.facts import Fact, Facts
from services.sampler.replay.sighted_gates import SightedGates
from services.sampler.replay.sights import Sight, Sights
from shared.ports.state import Decided, State
from shared.streams import ids


class Tried:
    """Fates by the gates and limits of one collection. `passing`: strategy → share that gates let through, as live."""

    def __init__(self, collection: Collection, state: State, sights: Sights, passing: Mapping[str, float]) -> None:
        self._collection, self._state, self._sights = collection, state, sights
        self._gates = SightedGates(collection.name, collection.options, state, collection.around.options.memo_s)
        self._passing = passing
        self._met: Counter[str] = Counter()
        self._let_through: Counter[str] = Counter()

    def of(self, draws: Sequence[Draw]) -> list[Drawn]:
        """In order. Raises Unavailable."""
        fates: list[Drawn] = []
        known: list[tuple[Draw, Sight]] = []
        for draw in draws:
            sight = self._sights.of(draw)
            if sight.known or self._gates.are_open or draw.on_floor:
                known.append((draw, sight))
            else:
                fates.append(self._unknown(draw, sight))
        return [*self._known(known), *fates]

    def _known(self, met: Sequence[tuple[Draw, Sight]]) -> list[Drawn]:
        if not met:
            return []
        gated = self._gates.told([draw for draw, _ in met], [sight for _, sight in met])
        asked = [
            self._collection.undecided(draw, sight.pixels, one) for (draw, sight), one in zip(met, gated, strict=True)
        ]
        decided = self._state.decide(asked)
        return [self._drawn(*pair, one) for pair, one in zip(met, decided, strict=True)]

    def _unknown(self, draw: Draw, sight: Sight) -> Drawn:
        """Kept as often as gates let such frames through live; what is not kept then might have been."""
        label = draw.charged.label
        self._met[label] += 1
        if self._met[label] * self._passing.get(label, 1.0) < self._let_through[label] + 1:
            if self._collection.planner is not None:
                self._collection.planner.drawn(label, passed=False)
            return self._made(draw, NEAR_DUPLICATE, is_certain=False)
        self._let_through[label] += 1
        (decided,) = self._state.decide([self._collection.undecided(draw, sight.pixels, OPEN)])
        return self._drawn(draw, sight, decided, is_certain=False)

    def _drawn(self, draw: Draw, sight: Sight, decided: Decided, is_certain: bool = True) -> Drawn:
        self._collection.outcome(draw, decided)
        if decided.decision == DROPPED:
            return self._made(draw, QUALITY if decided.distance is None else NEAR_DUPLICATE)
        design = as_decided(decided)
        left = draw if design.gate is None else draw.floor_alone()
        size = design.image.size if design.image else 0
        return self._made(draw, design.missing or KEPT, size=size, left=left, is_certain=is_certain)

    def _made(
        self, draw: Draw, outcome: str, *, size: int = 0, left: Draw | None = None, is_certain: bool = True
    ) -> Drawn:
        place = ids.parse_prediction_id(draw.prediction_id)[:2]
        named = self._collection.sample_id(draw.prediction)
        return drawn(self._collection.name, named, draw, place, outcome, size=size, left=left, is_certain=is_certain)


class Known:
    """Fates as they are recorded. `committed`: partition → where the sampler goes on; `tried`: for those of no record."""

    def __init__(self, collection: Collection, facts: Facts, committed: Mapping[int, int], tried: Tried) -> None:
        self._collection, self._facts, self._committed, self._tried = collection, facts, committed, tried

    def of(self, draws: Sequence[Draw]) -> list[Drawn]:
        """Raises Unavailable."""
        found = [(draw, self._recorded(draw)) for draw in draws]
        rest = self._tried.of([draw for draw, fate in found if fate is None])
        return [*(fate for _, fate in found if fate is not None), *rest]

    def _recorded(self, draw: Draw) -> Drawn | None:
        """None where the log and the memos say nothing (any more)."""
        sample_id = self._collection.sample_id(draw.prediction)
        fact = self._facts.of(sample_id)
        if fact is not None:
            return self._as_it_was(draw, fact)
        partition, offset, _ = ids.parse_prediction_id(draw.prediction_id)
        taken = self._facts.taken_by(self._collection.name, sample_id)
        if taken is None and offset < self._committed.get(partition, 0):
            return None
        return drawn(self._collection.name, sample_id, draw, (partition, offset), taken or UNDECIDED, size=0)

    def _as_it_was(self, draw: Draw, fact: Fact) -> Drawn:
        left = draw.floor_alone() if fact.gate in GATES else draw
        return drawn(fact.collection, fact.sample_id, draw, fact.place, fact.missing or KEPT, size=fact.size, left=left)
