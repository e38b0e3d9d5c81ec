"""The outlook: from what every strategy thinks of a minute's frames to what an hour and a day would bring.

Promises: expectations are sums of inclusion probabilities, so that a minute in which nothing was drawn says as much as any
other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.cli import kept
from services.cli.rehearsal.looks import Look, Rule, looks_at, rules_of, scenes_of
from services.cli.rehearsal.sources import Looked
from services.sampler.config import NamedCollection, SamplerConfig
from services.sampler.limit_options import Limit
from services.sampler.limits import counters
from services.sampler.strategies import Strategy
from shared.bootstrap import OpenBackend
from shared.settings import Settings
from shared.streams import ids
from shared.streams.predictions import ClassScore, Detection, Prediction, prediction_id
from shared.streams.samples import Design

HOUR_S, DAY_S = 3_600.0, 86_400.0
WINDOW_S = {"minute": 60.0, "hour": HOUR_S, "day": DAY_S}
HAIR = 1 + 1e-9
"""A budget that was planned to meet a limit does not go over it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame that was looked at: what every rule makes of it, and its samples if it was drawn, one per collection."""

    prediction_id: str
    prediction: Prediction
    looks: tuple[Look, ...]
    designs: tuple[Design, ...] = ()

    @property
    def design(self) -> Design | None:
        """One that was kept before one that was not."""
        return min(self.designs, key=lambda one: one.missing is not None, default=None)

    @property
    def probability(self) -> float:
        """Of being drawn by any of them."""
        return ids.union(look.probability for look in self.looks)

    @property
    def matched(self) -> list[Look]:
        return [look for look in self.looks if look.probability > 0]

    @property
    def shown(self) -> "list[Detection | ClassScore]":
        """What the product would show of it."""
        prediction = self.prediction
        if prediction.task == "classify":
            return [one for one in prediction.classes[:1] if one.confidence >= prediction.threshold_for(one.class_name)]
        return list(prediction.above_threshold())

    def by(self, *rules: Rule) -> float:
        """How likely one of these rules is to draw it."""
        labels = {rule.label for rule in rules}
        return ids.union(look.probability for look in self.looks if look.rule.label in labels)


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one rule (None: of all together): frames that matched, that were drawn, and that would be per second."""

    rule: Rule | None
    matched: int
    drawn: int
    rate: float

    @property
    def strategy(self) -> Strategy | None:
        return None if self.rule is None else self.rule.strategy


@dataclass(frozen=True, slots=True)
class Bite:
    """A limit (`of`: of a rule, or of a collection) and what it does. `reached_after_s`: within its window; None: never."""

    of: str
    limit: Limit
    reached_after_s: float | None
    refused_per_day: float


@dataclass(frozen=True)
class Outlook:
    """Everything that was seen, and what follows. Rates are per second; per frame where nobody knows the time."""

    seen: tuple[Seen, ...]
    config: SamplerConfig
    looked: Looked
    unreadable: int = 0
    """Frames of which inference made a dead letter."""

    @cached_property
    def timed(self) -> bool:
        return all(self.looked.seconds.get(one.prediction.source_id) for one in self.seen)

    @cached_property
    def drawn(self) -> list[Seen]:
        return [one for one in self.seen if one.designs]

    def rate(self, weight: Callable[[Seen], float]) -> float:
        """The sum of a weight over the frames, per second if all sources went on like this; untimed: per frame."""
        return sum(weight(one) * self.stands_for(one) for one in self.seen)

    def stands_for(self, one: Seen) -> float:
        if not self.timed:
            return 1 / len(self.seen)
        return 1 / (self.looked.seconds[one.prediction.source_id] or 1.0)

    @cached_property
    def collections(self) -> list[tuple[NamedCollection, list[Rule]]]:
        return rules_of(self.config)

    @cached_property
    def strategies(self) -> list[Expected]:
        return [*(self._of(rule) for _, rules in self.collections for rule in rules), self._of_all()]

    def _of(self, rule: Rule) -> Expected:
        matched = [one for one in self.seen if one.by(rule) > 0]
        drawn = [one for one in self.drawn if _is_reason(one, rule)]
        return Expected(rule, len(matched), len(drawn), self.rate(lambda one: one.by(rule)))

    def _of_all(self) -> Expected:
        matched = sum(1 for one in self.seen if one.probability > 0)
        return Expected(None, matched, len(self.drawn), self.drawn_per_s)

    @cached_property
    def bites(self) -> list[Bite]:
        """Every limit, the collections' own after those of their strategies."""
        return [bite for options, rules in self.collections for bite in self._bites(options, rules)]

    def _bites(self, options: NamedCollection, rules: Sequence[Rule]) -> list[Bite]:
        """One of a strategy spares the frames that a strategy without a limit drew as well."""
        own = [
            self._bite(rule.label, limit, _limited(rule, rules))
            for rule in rules
            if not rule.strategy.floor
            for limit in rule.strategy.limits
        ]
        drawn_per_s = self.rate(lambda one: one.by(*rules))
        left = max(0.0, 1 - _worst(own) / DAY_S / drawn_per_s) if drawn_per_s else 0.0
        name = _called(rules)
        return [*own, *(self._bite(name, limit, _passing(limit, rules, left)) for limit in options.limits)]

    def _bite(self, of: str, limit: Limit, weight: Callable[[Seen], float]) -> Bite:
        """Of the frames that it looks at, each counter for itself."""
        per_s: dict[str, float] = {}
        for one in self.seen:
            amount = one.prediction.frame.size if limit.of == "bytes" else 1
            for counter in counters(limit, one.prediction):
                per_s[counter] = per_s.get(counter, 0.0) + weight(one) * amount * self.stands_for(one)
        window_s = WINDOW_S[limit.per]
        over = {counter: rate for counter, rate in per_s.items() if rate * window_s > limit.most * HAIR}
        if not over:
            return Bite(of, limit, None, 0.0)
        refused = sum(rate - limit.most / window_s for rate in over.values()) * DAY_S
        samples = refused / self.bytes_each if limit.of == "bytes" else refused
        return Bite(of, limit, limit.most / max(over.values()), samples)

    @property
    def drawn_per_s(self) -> float:
        return self.rate(lambda one: one.probability)

    @cached_property
    def kept_per_s(self) -> float:
        """What limits leave of it, about."""
        if not self.timed:
            return self.drawn_per_s
        return max(0.0, self.drawn_per_s - _worst(self.bites) / DAY_S)

    @cached_property
    def bytes_each(self) -> float:
        """Of an image that is kept, on average."""
        total = sum(one.probability for one in self.seen)
        return sum(one.probability * one.prediction.frame.size for one in self.seen) / total if total else 0.0


def read(backend: OpenBackend, settings: Settings, looked: Looked) -> Outlook:
    """What came out at the end of the rehearsal."""
    config = settings.read(SamplerConfig)
    scenes = scenes_of(kept.predictions_of(backend.log), config)
    for source_id, first_ms in _first([scene.prediction for _, scene in scenes]).items():
        looked.saw(source_id, first_ms)
    looks = looks_at([scene for _, scene in scenes], config, _per_s(looked, len(scenes), config))
    designs = _designs(backend)
    seen = tuple(
        Seen(
            prediction_id(record, scene.prediction),
            scene.prediction,
            found,
            tuple(designs.get(scene.prediction.frame.frame_id, ())),
        )
        for (record, scene), found in zip(scenes, looks, strict=True)
    )
    return Outlook(seen, config, looked, unreadable=sum(1 for _ in kept.records_of(backend.log, "frames.dlq")))


def _per_s(looked: Looked, frames: int, config: SamplerConfig) -> Callable[[Prediction], float]:
    """How many frames a second each stands for; where nobody knows the time, all together for the declared rate."""
    if all(looked.seconds.values()):
        return lambda prediction: 1 / (looked.seconds.get(prediction.source_id) or 1.0)
    return lambda _: config.sampler.declared_fps / frames


def _designs(backend: OpenBackend) -> dict[str, list[Design]]:
    """By frame id."""
    designs: dict[str, list[Design]] = {}
    for records in kept.read(backend.log).samples.values():
        for sample in records:
            if isinstance(sample, Design):
                designs.setdefault(sample.prediction.frame.frame_id, []).append(sample)
    return designs


def _first(predictions: Sequence[Prediction]) -> dict[str, int]:
    """When each source's first frame came, in milliseconds of log time."""
    first: dict[str, int] = {}
    for one in predictions:
        first[one.source_id] = min(one.frame.time_ms, first.get(one.source_id, one.frame.time_ms))
    return first


def _is_reason(one: Seen, rule: Rule) -> bool:
    return any(
        design.collection == rule.collection and reason.strategy == rule.strategy.label
        for design in one.designs
        for reason in design.reasons
    )


def _limited(rule: Rule, rules: Sequence[Rule]) -> Callable[[Seen], float]:
    free = [one for one in rules if one.strategy.floor or not one.strategy.limits]
    return lambda seen: seen.by(rule) * (1.0 - seen.by(*free))


def _passing(limit: Limit, rules: Sequence[Rule], left: float) -> Callable[[Seen], float]:
    """What a collection's limit meets: the share that strategies' own limits leave. The floor answers to global ones alone."""
    if limit.is_global:
        return lambda seen: left * seen.by(*rules)
    floor = [rule for rule in rules if rule.strategy.floor]
    others = [rule for rule in rules if not rule.strategy.floor]
    return lambda seen: left * seen.by(*others) * (1.0 - seen.by(*floor))


def _called(rules: Sequence[Rule]) -> str:
    """A collection as a whole: `all`, or its name."""
    return "all" if not rules or rules[0].is_default else f"{rules[0].collection}: all"


def _worst(bites: Sequence[Bite]) -> float:
    """Refused per day: of several limits of one strategy the hardest counts, of several strategies all."""
    hardest: dict[str, float] = {}
    for one in bites:
        hardest[one.of] = max(hardest.get(one.of, 0.0), one.refused_per_day)
    return sum(hardest.values())
