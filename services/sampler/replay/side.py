"""Side: one version of the settings in a replay: its scenes, what its collections draw, and what becomes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from services.sampler.collection import Collection
from services.sampler.config import NamedCollection, SamplerConfig
from services.sampler.drawing import Draw
from services.sampler.privacy.options import Privacy
from services.sampler.reencoding import ImageOptions
from services.sampler.replay import simulated_plans
from services.sampler.replay.drawn import Drawn
from services.sampler.replay.facts import Facts
from services.sampler.replay.fates import Known, Tried
from services.sampler.replay.log_time_scenes import LogTimeScenes
from services.sampler.replay.sights import Sights
from services.sampler.replay.span import Span
from services.sampler.replay.stored_plans import AsStored, StoredPlans
from services.sampler.rules import Rules
from services.sampler.scenes import Scened
from shared.bootstrap import OpenBackend
from shared.ports.log import Reader
from shared.runtime.service import Received
from shared.settings import Settings


class Fates(Protocol):
    def of(self, draws: Sequence[Draw]) -> list[Drawn]: ...


@dataclass(frozen=True, slots=True)
class Around:
    """What both sides share. `first_ms`: of the first prediction. `committed`: partition → where the sampler goes on."""

    live: OpenBackend
    reader: Reader
    facts: Facts
    sights: Sights
    span: Span
    first_ms: int
    committed: Mapping[int, int]
    only: str | None = None


class Side:
    """`scratch`: a backend that is thrown away; `old`: what is in force, where this is not it."""

    def __init__(self, settings: Settings, around: Around, scratch: OpenBackend, old: SamplerConfig | None) -> None:
        self.config = deciding(settings.read(SamplerConfig))
        self.drawn: list[Drawn] = []
        self.frames = 0
        self.plans: dict[str, StoredPlans] = {}
        self._around, self._scratch, self._old = around, scratch, old
        self._before = {} if old is None else dict(old.all_collections())
        self._clock = simulated_plans.LogClock()
        rules = self._rules(settings)
        self.collections = [one for one in rules.collections if around.only in (None, one.name)]
        self._scenes = LogTimeScenes(rules)
        self._fates = {one.name: self._fate(one) for one in self.collections}

    def meet(self, batch: Sequence[Received]) -> None:
        """The next predictions by log time. Raises Unavailable."""
        self._clock.time_ms = batch[0].record.time_ms
        self._draw(self._scenes.of(batch))

    def finish(self) -> None:
        """Nothing follows."""
        self._draw(self._scenes.rest())

    def _draw(self, scenes: Sequence[Scened]) -> None:
        mine = [one for one in scenes if self._around.span.holds(one[0].record.time_ms)]
        if not mine:
            return
        self.frames += len(mine)
        for collection in self.collections:
            collection.begin()
            self.drawn += self._fates[collection.name].of(collection.draws(mine))
            collection.settle()

    def _rules(self, settings: Settings) -> Rules:
        """The sampler's own, on a store and a buffer that are thrown away."""
        live = self._around.live
        common = live.common
        if self._old is not None:
            common = common.model_copy(update={"timezone": settings.common.timezone})
        backend = replace(live, common=common, state=self._scratch.state, images=self._scratch.images)
        return Rules(self.config, backend, self._around.reader, settings)

    def _fate(self, collection: Collection) -> Fates:
        """Plans and fates as they are recorded, where nothing changed; else as they would be."""
        before = self._before.get(collection.name)
        known = simulated_plans.live_state(self._around.live.state, collection.name)
        tried = Tried(collection, self._scratch.state, self._around.sights, simulated_plans.passing(known))
        if self._old is None or (self._old.sampler == self.config.sampler and _same(before, collection.options)):
            self._plan_as_stored(collection)
            return Known(collection, self._around.facts, self._around.committed, tried)
        self._plan_anew(collection, before)
        return tried

    def _plan_as_stored(self, collection: Collection) -> None:
        if collection.planner is not None:
            stored = self.plans[collection.name] = StoredPlans(self._around.live.state, collection.name)
            collection.planner = AsStored(stored, collection.options, self.config.sampler, self._scratch.state)

    def _plan_anew(self, collection: Collection, before: NamedCollection | None) -> None:
        live, options = self._around.live.state, collection.options
        planner = simulated_plans.simulated(
            collection.name, options, self.config.sampler, self._scratch.state, self._clock
        )
        if planner is not None:
            same = simulated_plans.looking_for_the_same(before, options)
            known = simulated_plans.live_state(live, collection.name)
            simulated_plans.begin(planner, known, same, live, self._around.first_ms)
        collection.planner = planner


def deciding(config: SamplerConfig) -> SamplerConfig:
    """What decides: no neighbours are wanted, and nothing is blurred or scaled, of frames that are not stored."""
    plain = {"context": None}
    named = {name: one.model_copy(update=plain) for name, one in config.collections.items()}
    return config.model_copy(update={**plain, "collections": named, "privacy": Privacy(), "image": ImageOptions()})


def _same(before: NamedCollection | None, now: NamedCollection) -> bool:
    """Do both decide the same? Where it is sent to, and what it is called there, decides nothing."""
    return before is not None and before.model_copy(update={"tags": now.tags, "destinations": now.destinations}) == now
