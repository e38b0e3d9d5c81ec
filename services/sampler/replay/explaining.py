"""Explaining: why one frame was or was not kept, collection by collection: what each strategy made of it, and what came after.

Promises: reads alone. Figures are the sampler's own, made again from what is stored; what was decided is told from the log and
the memo. What cannot be known any more is None, and `unknown` says why.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from services.sampler.collection import Collection, as_decided
from services.sampler.config import SamplerConfig
from services.sampler.drawing import Drawer, Look, Plan
from services.sampler.keeping import DROPPED
from services.sampler.replay.finding import Found
from services.sampler.replay.log_time_scenes import LogTimeScenes
from services.sampler.replay.merged import Recorded
from services.sampler.replay.side import deciding
from services.sampler.replay.span import Span
from services.sampler.replay.stored_plans import AsStored, StoredPlans
from services.sampler.rules import Rules
from services.sampler.scenes import Scened
from services.sampler.strategies import Strategy
from services.sampler.strategies.scene import Scene
from shared.bootstrap import OpenBackend
from shared.ports.state import Decided
from shared.streams import PREDICTIONS, ids, keys
from shared.streams.predictions import Prediction, prediction_id
from shared.streams.record import Record
from shared.streams.samples import Design, Neighbour, Revision


@dataclass(frozen=True, slots=True)
class OfStrategy:
    """What one strategy made of it. `scale`: the c by which a weight becomes a probability; None: no plan is stored for it.

    `dice`: the number that had to fall below the probability; None where nothing was thrown.
    """

    strategy: str
    score: float
    weight: float
    scale: float | None
    probability: float
    dice: float | None
    drew: bool
    rule: str | None


@dataclass(frozen=True, slots=True)
class OfCollection:
    """`outcome`: kept, not_drawn, near_duplicate, quality, missing, not_taken, pending, unknown; `why`: in a sentence.

    `design`: as it was published; `revisions`: verdicts on it.
    """

    collection: str
    sample_id: str
    outcome: str
    why: str
    strategies: Sequence[OfStrategy] = ()
    epoch_ms: int | None = None
    other_settings: str | None = None
    unknown: Sequence[str] = ()
    design: Design | None = None
    revisions: Sequence[Revision] = ()
    neighbours: Sequence[Neighbour] = ()


@dataclass(frozen=True, slots=True)
class OfPrediction:
    """One model's prediction and what each collection made of it; a shadow's has none."""

    prediction_id: str
    model: str
    role: str
    time_ms: int | None
    collections: Sequence[OfCollection] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    frame_id: str
    source_id: str
    producer_frame_id: str | None
    time_ms: int
    predictions: Sequence[OfPrediction]


class Explainer:
    """Of one backend, by the settings in force."""

    def __init__(self, live: OpenBackend) -> None:
        self._live = live
        config = deciding(live.settings.read(SamplerConfig))
        self._reader = live.log.reader()
        self._rules = Rules(config, live, self._reader, live.settings)
        self._plans = {one.name: _planned(one, config, live) for one in self._rules.collections}
        self._committed: Mapping[int, int] = live.log.committed("sampler", PREDICTIONS.name)

    def close(self) -> None:
        self._reader.close()

    def explain(self, found: Found) -> Explained:
        """Raises Unavailable."""
        any_of_it = found.predictions[0][1] if found.predictions else found.samples[0].prediction
        seen = [self._of(record, prediction, found) for record, prediction in found.predictions]
        return Explained(
            found.frame_id,
            any_of_it.source_id,
            any_of_it.producer_frame_id,
            any_of_it.frame.time_ms,
            [*seen, *self._gone(found)],
        )

    def _of(self, record: Record, prediction: Prediction, found: Found) -> OfPrediction:
        scene = None if prediction.role == "shadow" else self._scene(record)
        about = [] if prediction.role == "shadow" else self._rules.collections
        return OfPrediction(
            prediction_id(record, prediction),
            f"{prediction.model_id}@{prediction.model_version}",
            prediction.role,
            record.time_ms,
            [self._by(one, record, prediction, scene, found) for one in about],
        )

    def _gone(self, found: Found) -> Iterator[OfPrediction]:
        """Samples whose prediction has expired: what was decided still stands."""
        there = {prediction_id(*one) for one in found.predictions}
        for sample in found.samples:
            if isinstance(sample, Design) and sample.prediction_id not in there:
                there.add(sample.prediction_id)
                prediction = sample.prediction
                told = _decided(sample.collection, sample.sample_id, sample, found, ["its prediction has expired"])
                model = f"{prediction.model_id}@{prediction.model_version}"
                yield OfPrediction(sample.prediction_id, model, prediction.role, None, [told])

    def _scene(self, record: Record) -> Scene | None:
        """As the sampler saw it; None where it did not look: it had met the frame before."""
        scenes = LogTimeScenes(self._rules)
        around = Recorded(self._live.log, Span(record.time_ms, record.time_ms + 1), record.partition)
        ready = chain.from_iterable(map(scenes.of, around.batches()))
        for received, scene in chain(ready, _late(scenes)):
            if received.record.offset == record.offset:
                return scene
        return None

    def _by(
        self, collection: Collection, record: Record, prediction: Prediction, scene: Scene | None, found: Found
    ) -> OfCollection:
        sample_id = collection.sample_id(prediction)
        if not collection.admits(prediction):
            why = f"it takes no frames of source {prediction.source_id} and model {prediction.model_id}"
            return OfCollection(collection.name, sample_id, "not_taken", why)
        strategies = [] if scene is None else self._looks(collection, scene)
        told = self._told(collection, sample_id, record, prediction, found, strategies)
        time_ms = prediction.frame.time_ms
        epoch_ms = None if collection.planner is None else collection.planner.epoch_start_ms(time_ms)
        unknown = [*told.unknown, *(["the plan of its epoch has expired"] if _planless(strategies) else [])]
        if scene is None:
            unknown.append("the sampler had met this frame before: it looked at that prediction")
        return replace(told, strategies=strategies, epoch_ms=epoch_ms, unknown=unknown)

    def _looks(self, collection: Collection, scene: Scene) -> list[OfStrategy]:
        prediction = scene.prediction
        plan = self._plans[collection.name]
        drawer = _Looking(self._live.salt, collection.name, collection.options.strategies)
        return [self._look(collection, look, scene, plan) for look in drawer.looks(scene, _plan(plan, prediction))]

    def _look(self, collection: Collection, look: Look, scene: Scene, plan: AsStored | None) -> OfStrategy:
        strategy, scale = look.strategy, look.strategy.fixed
        if scale is None and plan is not None:
            scale = plan.scales(scene.prediction.frame.time_ms).get(strategy.label)
        dice = _dice(self._live.salt, collection.name, strategy, scene, look.probability) if look.score > 0 else None
        rule = strategy.rule(scene) if look.score > 0 else None
        return OfStrategy(strategy.label, look.score, look.weight, scale, look.probability, dice, look.fired, rule)

    def _told(
        self,
        collection: Collection,
        sample_id: str,
        record: Record,
        prediction: Prediction,
        found: Found,
        looks: Sequence[OfStrategy],
    ) -> OfCollection:
        """What was decided: the log says it, else the memo, else nothing was."""
        design = next((one for one in found.samples if isinstance(one, Design) and one.sample_id == sample_id), None)
        if design is not None:
            told = _decided(collection.name, sample_id, design, found, [])
            other = design.settings_version if design.settings_version != self._rules.version else None
            return replace(told, other_settings=other)
        memo = self._live.state.memo(keys.memo_key(collection.name, sample_id))
        outcome, why, unknown = self._without(record, memo, looks)
        return _with(OfCollection(collection.name, sample_id, outcome, why, unknown=unknown), found)

    def _without(self, record: Record, memo: Decided | None, looks: Sequence[OfStrategy]) -> tuple[str, str, list[str]]:
        """(outcome, why, what is unknown) where there is no design."""
        if memo is not None and memo.decision == DROPPED:
            return _taken(memo)
        if record.offset >= self._committed.get(record.partition, 0):
            return "pending", "the sampler has not come to it yet", []
        if memo is not None:
            why = as_decided(memo).missing
            return "pending", f"decided ({why or 'to be kept'}), and not published yet", []
        drew = [look.strategy for look in looks if look.drew]
        if drew:
            unknown = ["no memo says any more what became of the draw"]
            return "unknown", f"{', '.join(drew)} drew it by the settings in force; no sample came of it", unknown
        return "not_drawn", "no strategy drew it", []


def _late(scenes: LogTimeScenes) -> Iterator[Scened]:
    """Asked only when nothing follows."""
    yield from scenes.rest()


class _Looking(Drawer):
    def looks(self, scene: Scene, plan: Plan | None) -> list[Look]:
        """What every strategy makes of it, drawn or not."""
        return [Look(hand.strategy, *hand.meet(scene, plan)) for hand in self._hands]


def _planned(collection: Collection, config: SamplerConfig, live: OpenBackend) -> AsStored | None:
    if collection.planner is None:
        return None
    stored = StoredPlans(live.state, collection.name)
    return AsStored(stored, collection.options, config.sampler, live.state)


def _plan(planner: AsStored | None, prediction: Prediction) -> Plan | None:
    if planner is None:
        return None
    time_ms = prediction.frame.time_ms
    factor = planner.factor(prediction.source_id, time_ms)
    return Plan(planner.epoch_start_ms(time_ms), planner.scales(time_ms), planner.meet, factor)


def _planless(looks: Sequence[OfStrategy]) -> bool:
    return any(look.scale is None and look.score > 0 for look in looks)


def _dice(salt: bytes, collection: str, strategy: Strategy, scene: Scene, probability: float) -> float | None:
    """What the strategy threw."""
    thrown: list[float] = []
    dice = ids.Dice(salt, "draw", collection, strategy.label)

    def throw(*what: str) -> float:
        thrown.append(dice(*what))
        return thrown[-1]

    strategy.fires(scene, throw, probability)
    return thrown[0] if thrown else None


def _taken(memo: Decided) -> tuple[str, str, list[str]]:
    if memo.distance is None:
        return "quality", "it was drawn, and is much less sharp than its source's frames of late", []
    known = "an image that was made known" if memo.known else "one kept lately from the same source"
    return "near_duplicate", f"it was drawn, and differs in {memo.distance} of 64 bits from {known}", []


def _decided(name: str, sample_id: str, design: Design, found: Found, unknown: list[str]) -> OfCollection:
    outcome, why = ("kept", "it was drawn") if design.missing is None else ("missing", _missing(design.missing))
    return _with(OfCollection(name, sample_id, outcome, why, unknown=unknown, design=design), found)


def _missing(reason: str) -> str:
    kind, _, name = reason.partition(":")
    said = {
        "limit": f"the limit {name} was used up",
        "expired": "its frame had expired when the sampler came to read it",
        "unreadable": "its pixels could not be read",
        "withheld": "what the privacy settings hide could not be hidden",
        "no_space": "the image buffer was full",
    }
    return f"it was drawn and has no image: {said.get(kind, reason)}"


def _with(told: OfCollection, found: Found) -> OfCollection:
    """With what people said, and the frames that were kept beside it."""
    mine = [one for one in found.samples if one.sample_id == told.sample_id]
    revisions = [one for one in mine if isinstance(one, Revision)]
    neighbours = [one for one in mine if isinstance(one, Neighbour)]
    if told.design is None and any(one.image for one in revisions):
        told = replace(told, outcome="kept", why=f"{told.why}, but a verdict asked for it")
    elif told.design is None and any(one.image for one in neighbours):
        told = replace(told, outcome="kept", why=f"{told.why}, but it stands beside a kept one")
    return replace(told, revisions=revisions, neighbours=neighbours)
