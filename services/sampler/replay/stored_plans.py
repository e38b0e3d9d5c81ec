"""Stored plans: the scales and source factors that all replicas agreed upon when the frames were decided. Read, never made.

Promises: a planner whose plans are those of the state store; where one is gone nothing is drawn by it, and that is counted.
"""

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from services.sampler.config import NamedCollection, SamplerOptions
from services.sampler.plan.sources import Factors
from services.sampler.planned import planned
from services.sampler.planning import Planner, plan_field
from services.sampler.source_factors import HOUR_MS, hour_name
from shared.ports.state import State
from shared.streams import keys

MOST_HOURS = 3
"""Of plans in memory: predictions come in the order of their log time."""
_FACTORS = TypeAdapter(Factors)
Hour = tuple[Mapping[str, bytes], Factors]


class StoredPlans:
    """What the state store holds of one collection. `gone`: starts of the epochs that were asked for and are not there."""

    def __init__(self, state: State, collection: str) -> None:
        self._state, self.collection = state, collection
        self._hours: dict[int, Hour] = {}
        self.gone: set[int] = set()

    def scales(self, epoch_ms: int, labels: Sequence[str]) -> dict[str, float]:
        """label → c of the epoch that begins then; without those that nobody fixed or that have expired."""
        fields, _ = self._hour(epoch_ms)
        named = {label: fields.get(plan_field(epoch_ms, label)) for label in labels}
        if None in named.values():
            self.gone.add(epoch_ms)
        return {label: float(stored) for label, stored in named.items() if stored is not None}

    def factor(self, source_id: str, time_ms: int) -> float:
        return self._hour(time_ms)[1].of(source_id)

    def _hour(self, time_ms: int) -> Hour:
        number = time_ms // HOUR_MS
        if number not in self._hours:
            if len(self._hours) >= MOST_HOURS:
                del self._hours[min(self._hours)]
            self._hours[number] = self._stored(hour_name(number))
        return self._hours[number]

    def _stored(self, hour: str) -> Hour:
        factors = self._state.get(keys.factors_key(self.collection, hour))
        fields = self._state.fields(keys.plan_key(self.collection, hour))
        return fields, Factors() if factors is None else _FACTORS.validate_json(factors)


class AsStored(Planner):
    """A planner that plans nothing."""

    def __init__(self, stored: StoredPlans, options: NamedCollection, sampler: SamplerOptions, scratch: State) -> None:
        super().__init__(
            scratch,
            stored.collection,
            planned(options),
            epoch_ms=None if sampler.epoch_s is None else round(sampler.epoch_s * 1000),
            minimum_per_source_per_s=options.review.minimum_per_source.per_s,
        )
        self.stored = stored

    def prepare(self, times_ms: Sequence[int]) -> None:
        """Every plan was made long ago."""

    def scales(self, time_ms: int) -> Mapping[str, float]:
        return self.stored.scales(self.epoch_start_ms(time_ms), list(self.strategies))

    def factor(self, source_id: str, time_ms: int) -> float:
        return self.stored.factor(source_id, time_ms) if self._weighs_sources else 1.0

    def settle(self) -> None:
        """What was counted has been counted live."""
        self.begin()
