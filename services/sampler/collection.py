"""A collection: strategies, budgets, limits, gates and destinations that belong together, and what they make of a frame.

Promises: no store is asked for a frame that no strategy drew; what it hands to the store's one script is fixed by the draw, so
that a redelivered frame finds its decision; a batch that is handed in again is counted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.sampler.config import NamedCollection, SamplerOptions
from services.sampler.drawing import Draw, Drawer, Plan
from services.sampler.gates import Gated, Gates
from services.sampler.keeping import DROPPED, Keeper, Pixels
from services.sampler.limits import Limits
from services.sampler.pacing import Pace
from services.sampler.planned import planner_of
from services.sampler.planning import Planner
from services.sampler.recalling import KeptFor, Recaller
from services.sampler.strategies.scene import Scene
from shared.ports.log import Reader
from shared.ports.state import Charge, Decided, State, Undecided
from shared.runtime.service import Received
from shared.streams import ids, keys
from shared.streams.predictions import Prediction, prediction_id
from shared.streams.record import NewRecord
from shared.streams.samples import Design, NearDuplicate
from shared.telemetry import metrics

MOST_ADMITTED = 10_000
"""Sources and models of which it is remembered whether they are taken."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all collections of a sampler share."""

    state: State
    reader: Reader
    keeper: Keeper
    salt: bytes
    timezone: str
    settings_version: str
    options: SamplerOptions
    pace: Pace = field(default_factory=Pace)


class Collection:
    def __init__(self, name: str, options: NamedCollection, around: Surroundings) -> None:
        self.name, self.options, self.around = name, options, around
        self.destinations = options.destinations or ()
        self.drawer = Drawer(around.salt, name, options.strategies)
        self.limits = Limits(name, options.limits, around.timezone, around.options.memo_s)
        self.gates = Gates(name, options, around.state, around.options.memo_s)
        self.planner = planner_of(name, options, around.options, around.state, around.pace)
        self._memo_s = around.options.memo_s
        self._salt_fingerprint = ids.salt_fingerprint(around.salt)
        self._takes_all = options.sources is None and options.model is None
        self._admitted: dict[tuple[str, str], bool] = {}
        self.recaller = self._recaller()

    def admits(self, prediction: Prediction) -> bool:
        """Is it of a source and a model that this collection draws from?"""
        if self._takes_all:
            return True
        key = (prediction.source_id, prediction.model_id)
        if (known := self._admitted.get(key)) is None:
            if len(self._admitted) >= MOST_ADMITTED:
                self._admitted.clear()
            known = self._admitted[key] = self.options.admits(*key)
        return known

    def takes(self, prediction: Prediction) -> bool:
        """Does a person's word on it make or revise a sample here? Where nothing is collected it does not."""
        return bool(self.options.strategies) and self.admits(prediction)

    def begin(self) -> None:
        """A batch begins, perhaps again."""
        if self.planner is not None:
            self.planner.begin()
        if self.recaller is not None:
            self.recaller.begin()

    def settle(self) -> None:
        """The batch is through."""
        if self.recaller is not None:
            self.recaller.settle()
        if self.planner is not None:
            self.planner.settle()

    def drain(self) -> None:
        """Tells the other replicas what was counted and not told yet. Raises Unavailable."""
        if self.planner is not None:
            self.planner.drain()

    def forget(self, partitions: set[int]) -> None:
        """These partitions come or go."""
        if self.recaller is not None:
            self.recaller.forget(partitions)

    def follow(self, received: Received) -> None:
        """A frame came of which neighbours may be asked for: by one that is kept now, or by one that was."""
        prediction: Prediction = received.message
        if self.recaller is not None and self.admits(prediction):
            self.recaller.seen(received.record, prediction)

    def neighbours(self) -> list[NewRecord]:
        """The frames that are to be kept beside kept ones and are due now. Raises Unavailable."""
        return [] if self.recaller is None else self.recaller.keep_all()

    def draws(self, scenes: Sequence[tuple[Received, Scene]]) -> list[Draw]:
        """Those that a strategy drew. Raises Unavailable while there is no plan."""
        mine = [(received, scene) for received, scene in scenes if self.admits(scene.prediction)]
        plans = _Plans(self.planner)
        plans.prepare([scene for _, scene in mine])
        drawn = []
        for received, scene in mine:
            plan = plans.of(scene.prediction)
            met = self.drawer.meet(scene, plan)
            if met is not None:
                named = prediction_id(received.record, scene.prediction)
                drawn.append(self.drawer.drawn(named, scene, met, plan))
        return drawn

    def undecided(self, draw: Draw, pixels: Pixels, gated: Gated) -> Undecided:
        """What the store's one script is asked: the decision, what it costs, and what holds if it is a near-duplicate."""
        memo_key = keys.memo_key(self.name, self.sample_id(draw.prediction))
        alone = draw.floor_alone()
        if gated.poor:
            if alone is None:
                return Undecided(memo_key, DROPPED, self._memo_s)
            design = self._design(alone, pixels, gated, gate="quality")
            return Undecided(memo_key, design.to_bytes(), self._memo_s, self._charges(alone, design))
        design = self._design(draw, pixels, gated, gate=None)
        charges = self._charges(draw, design)
        if gated.near is None:
            return Undecided(memo_key, design.to_bytes(), self._memo_s, charges)
        instead = None if alone is None else self._design(alone, pixels, gated, gate="near_duplicate")
        return Undecided(
            memo_key,
            design.to_bytes(),
            self._memo_s,
            charges,
            near=gated.near,
            instead=DROPPED if instead is None else instead.to_bytes(),
            charges_instead=() if alone is None or instead is None else self._charges(alone, instead),
            drops=alone is None,
        )

    def outcome(self, draw: Draw, decided: Decided) -> Design | None:
        """The design as it was decided, by this call or by an earlier one; None where a gate left nothing."""
        dropped = decided.decision == DROPPED
        if decided.fresh and self.planner is not None:
            self.planner.drawn(draw.charged.label, passed=not dropped)
        if dropped:
            metrics.DECISIONS.labels("quality" if decided.distance is None else "near_duplicate").inc()
            return None
        return as_decided(decided)

    def kept(self, design: Design) -> None:
        """It is as it will be published: with an image it may have neighbours."""
        if self.recaller is not None:
            self.recaller.kept(design)

    def sample_id(self, prediction: Prediction) -> str:
        return ids.sample_id(self.name, prediction.frame.frame_id, prediction.model_id)

    def tags(self, draw: Draw) -> tuple[str, ...]:
        """The collection's, then those of the strategies that drew it; each once."""
        given = (*self.options.tags, *(tag for strategy in draw.fired for tag in strategy.tags))
        return tuple(dict.fromkeys(given))

    def _charges(self, draw: Draw, design: Design) -> tuple[Charge, ...]:
        if design.image is None:
            return ()
        return self.limits.charges(draw, design.image.size, self._fuses(draw))

    def _fuses(self, draw: Draw) -> dict[str, Charge]:
        """Of the strategies that drew it on a budget."""
        if self.planner is None:
            return {}
        time_ms = draw.prediction.frame.time_ms
        fuses = {one.label: self.planner.fuse(one.label, time_ms, self._memo_s) for one in draw.fired}
        return {label: fuse for label, fuse in fuses.items() if fuse is not None}

    def _recaller(self) -> Recaller | None:
        context, around = self.options.context, self.around
        if context is None:
            return None
        common = KeptFor(self.name, self.destinations, self.options.tags, around.settings_version, self._memo_s)
        return Recaller(context, common, around.state, around.reader, around.keeper, self._beside)

    def _beside(self, prediction: Prediction, size: int) -> tuple[Charge, ...]:
        """What a neighbour costs: nobody drew it, so that the global limits alone count it."""
        return self.limits.charges_global(Draw("", prediction, (), {}), size)

    def _design(self, draw: Draw, pixels: Pixels, gated: Gated, gate: str | None) -> Design:
        prediction = draw.prediction
        sample_id = self.sample_id(prediction)
        return Design(
            sample_id=sample_id,
            collection=self.name,
            prediction_id=draw.prediction_id,
            prediction=prediction,
            destinations=self.destinations,
            image=self.around.keeper.place(self.name, sample_id, prediction, pixels),
            missing=pixels.missing,
            settings_version=self.around.settings_version,
            tags=self.tags(draw),
            reasons=draw.reasons,
            probabilities=draw.probabilities,
            probability=draw.probability,
            floor=draw.floor,
            salt_fingerprint=self._salt_fingerprint,
            epoch_ms=draw.epoch_ms,
            scores=draw.scores,
            weights=draw.weights,
            gate=gate,
            phash=gated.phash,
            signature=gated.signature,
        )


def as_decided(decided: Decided) -> Design:
    """The design that a memo holds: without its image where a limit refused it, with the image that it resembled."""
    design = Design.model_validate_json(decided.decision)
    if decided.distance is not None:
        resembled = NearDuplicate(distance=decided.distance, known=decided.known)
        design = design.model_copy(update={"near_duplicate": resembled})
    if decided.refused_by is None:
        return design
    return design.model_copy(update={"image": None, "missing": f"limit:{decided.refused_by}"})


class _Plans:
    """The plans of a batch's epochs. One plan object serves the frames one after the other."""

    def __init__(self, planner: Planner | None) -> None:
        self._planner = planner
        self._plan: Plan | None = None

    def prepare(self, scenes: Sequence[Scene]) -> None:
        if self._planner is not None and scenes:
            self._planner.prepare([scene.prediction.frame.time_ms for scene in scenes])

    def of(self, prediction: Prediction) -> Plan | None:
        planner = self._planner
        if planner is None:
            return None
        time_ms = prediction.frame.time_ms
        epoch_ms = planner.epoch_start_ms(time_ms)
        plan = self._plan
        if plan is None or plan.epoch_ms != epoch_ms:
            plan = self._plan = Plan(epoch_ms, planner.scales(time_ms), planner.meet)
        planner.met(prediction.source_id)
        plan.factor = planner.factor(prediction.source_id, time_ms)
        return plan
