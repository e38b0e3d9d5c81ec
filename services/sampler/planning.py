"""Planning: the plans of the epochs that a batch needs, agreed with all other replicas through the state store.

Promises: whoever plans an epoch first plans it for all and for ever, so a redelivery and a replay draw as before. Stale or
wrong counts cost budget accuracy, never validity. The store is asked when an epoch begins, never for a frame; when it does not
answer, Unavailable is raised, and the batch may be handed in again: nothing is counted twice.
"""

import uuid
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence, Set

from services.sampler.pacing import MOST_EPOCHS, Pace, Stretch, ahead
from services.sampler.plan import state as plan_state
from services.sampler.plan.account import Planned
from services.sampler.plan.bins import EDGES
from services.sampler.plan.counts import Counts
from services.sampler.plan.fuse import fuse
from services.sampler.plan.horizon import epoch_s
from services.sampler.plan.scales import scales
from services.sampler.plan.state import PlanState
from services.sampler.source_factors import HOUR_MS, SourceFactors, hour_name
from shared.ports.state import Charge, State
from shared.streams import keys

DAY_S = 86_400
MOST_PLANS = 4 * MOST_EPOCHS
"""Epochs whose plan is kept in memory; the store keeps them all."""
DELAY_EPOCHS = 1
"""How much longer counts take: the other replicas' of the last epoch come when they begin the next one."""


class Planner:
    """The plans of one collection. `declared_per_s`: frames of all sources, until they were met; all rates by log time.

    `epoch_ms`: for how long one plan holds; by default as long as the budgets allow, 1 to 60 s. `keep_s`: how long plans are
    kept, as long as predictions. `pace`: shared by the collections of a replica.
    """

    def __init__(
        self,
        state: State,
        collection: str,
        strategies: Sequence[Planned],
        *,
        epoch_ms: int | None = None,
        declared_per_s: float = 30.0,
        keep_s: int = 7 * DAY_S,
        most_reads_per_s: float = 20.0,
        minimum_per_source_per_s: float = 0.0,
        pace: Pace | None = None,
    ) -> None:
        if declared_per_s <= 0 or any(one.per_s <= 0 for one in strategies):
            raise ValueError(f"expected budgets and declared frames above 0, got {declared_per_s} and {strategies}")
        self.state = state
        self.collection = collection
        self.strategies = {one.label: one for one in strategies}
        self.epoch_ms = epoch_ms or 1000 * epoch_s(one.per_s for one in strategies)
        self.counts = Counts(list(self.strategies))
        self._met, self._sources = self.counts.met, self.counts.sources
        self._declared_per_s = declared_per_s
        self._keep_s = keep_s
        self._most_reads_per_s = most_reads_per_s
        self._pace = pace or Pace()
        self._pace.collections += 1
        self._stretch = Stretch()
        self._plans: dict[int, Mapping[str, float]] = {}
        self._latest_ms = 0
        self._totals_key = keys.totals_key(collection)
        self._mark_key = f"{self._totals_key}:sent:{uuid.uuid4().hex[:12]}"
        floor_per_s = sum(one.per_s for one in strategies if one.floor)
        self._factors = SourceFactors(state, collection, floor_per_s, minimum_per_source_per_s, keep_s, self._pace)
        self._weighs_sources = self._factors.wanted

    def begin(self) -> None:
        """A batch begins, perhaps again."""
        self.counts.begin()

    def prepare(self, times_ms: Sequence[int]) -> None:
        """Makes the plans of all epochs known in which these log times lie. Raises Unavailable."""
        if not times_ms:
            return
        self._latest_ms = max(times_ms)
        self._factors.prepare(times_ms)
        if len(self._plans) > MOST_PLANS:
            self._plans = dict(list(self._plans.items())[-MOST_PLANS // 2 :])
        missing = {time_ms // self.epoch_ms for time_ms in times_ms} - self._plans.keys()
        if missing:
            self._agree(missing)

    def scales(self, time_ms: int) -> Mapping[str, float]:
        """label → c of the epoch of a time that was prepared: the same object for a whole epoch."""
        return self._plans[time_ms // self.epoch_ms]

    def epoch_start_ms(self, time_ms: int) -> int:
        """Log time at which the plan of this time began."""
        return time_ms - time_ms % self.epoch_ms

    def factor(self, source_id: str, time_ms: int) -> float:
        """The floor's weight of a frame of this source, in (0, 1]."""
        return self._factors.of(source_id, time_ms) if self._weighs_sources else 1.0

    def meet(self, label: str, weight: float) -> None:
        """A frame interests a strategy that is planned, drawn or not."""
        self._met[label][bisect_left(EDGES, weight)] += 1

    def met(self, source_id: str) -> None:
        """A frame of this source was there."""
        if self._weighs_sources:
            self._sources[source_id] += 1

    def drawn(self, label: str, passed: bool) -> None:
        """A frame was drawn on this strategy's account. `passed`: no gate took it (a limit may have)."""
        if label in self.strategies:
            self.counts.drawn(label, passed)

    def fuse(self, label: str, time_ms: int, ttl_s: int) -> Charge | None:
        """The fuse that a frame kept on this strategy's account meets; None for the floor and for what is not planned."""
        planned = self.strategies.get(label)
        return None if planned is None else fuse(planned, self.collection, time_ms, ttl_s)

    def settle(self) -> None:
        """The batch is through: what it counted is due."""
        self._factors.bound(self._latest_ms, self._sources)
        self.counts.settle(self._totals_key, self._factors.counts_key(self._latest_ms))

    def drain(self) -> None:
        """Sends what is due, at the end. Raises Unavailable; may be asked again."""
        self._exchange()

    def _agree(self, epochs: set[int]) -> None:
        """Whoever comes first plans them; everybody then knows what was planned."""
        wanted = ahead(epochs, self._stretch.begin(self._pace)) - self._plans.keys()
        plan = self._plan(epochs)
        for hour, of_hour in self._by_hour(wanted).items():
            self._fix(hour, of_hour, plan)
        self._stretch.end(self._pace, len(wanted))

    def _plan(self, epochs: Set[int]) -> Mapping[str, float]:
        """What this replica would plan for these, from all that is known; how far that went is remembered."""
        totals = self._exchange()
        self._pace.take()
        key = keys.plan_state_key(self.collection)
        before = plan_state.from_bytes(self.state.get(key))
        planned = list(self.strategies.values())
        named = {label: fields.totals(totals) for label, fields in self.counts.fields.items()}
        after = plan_state.advanced(before, planned, named, self._counted_to_ms(epochs, before))
        if after != before:
            self._pace.take()
            self.state.put(key, plan_state.to_bytes(after), self._keep_s)
        return scales(planned, after.accounts, self._declared_per_s, self._most_reads_per_s)

    def _counted_to_ms(self, epochs: Set[int], before: PlanState | None) -> int:
        """The log time up to which all was counted: where the first of these epochs that is news begins.

        Before it lies what earlier batches brought. A first state stands there; later ones leave other replicas time to tell.
        """
        if before is None:
            return min(epochs) * self.epoch_ms
        news = [epoch for epoch in epochs if epoch * self.epoch_ms > before.time_ms]
        return (min(news, default=max(epochs)) - DELAY_EPOCHS) * self.epoch_ms

    def _exchange(self) -> Mapping[str, int]:
        """Adds what is due to the totals of all replicas. Returns the totals with it."""
        self._pace.take()
        totals, mark = self.state.counters([self._totals_key, self._mark_key])
        due = self.counts.to_send(mark.get("n", 0))
        if not due:
            return totals
        self._pace.take()
        self.state.add({**due, self._mark_key: {"n": 1}}, self._keep_s)
        ours = due.get(self._totals_key, {})
        return {field: totals.get(field, 0) + ours.get(field, 0) for field in totals.keys() | ours.keys()}

    def _by_hour(self, epochs: Iterable[int]) -> dict[str, list[int]]:
        hours: dict[str, list[int]] = {}
        for epoch in sorted(epochs):
            hours.setdefault(hour_name(epoch * self.epoch_ms // HOUR_MS), []).append(epoch)
        return hours

    def _fix(self, hour: str, epochs: Sequence[int], plan: Mapping[str, float]) -> None:
        names = {epoch: [plan_field(epoch * self.epoch_ms, label) for label in plan] for epoch in epochs}
        texts = [f"{scale:.6g}".encode() for scale in plan.values()]
        fields = {name: text for of_epoch in names.values() for name, text in zip(of_epoch, texts, strict=True)}
        self._pace.take()
        agreed = self.state.fix(keys.plan_key(self.collection, hour), fields, self._keep_s)
        known: dict[tuple[bytes, ...], Mapping[str, float]] = {}
        for epoch, of_epoch in names.items():
            fixed = tuple(agreed[name] for name in of_epoch)
            # Epochs with one plan share one object: thousands are held.
            self._plans[epoch] = known.setdefault(fixed, dict(zip(plan, map(float, fixed), strict=True)))


def plan_field(epoch_start_ms: int, label: str) -> str:
    """Where the scale of a strategy stands in the plans of an hour; its value is c as text, in six digits."""
    return f"{epoch_start_ms}/{keys.safe(label)}"
