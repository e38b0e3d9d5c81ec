"""The outlook: from what every strategy thinks of a minute's frames to what an hour and a day would bring.

Promises: expectations are sums of inclusion probabilities, so that a minute in which nothing was drawn says as much as any
other. Looks change nothing: no store is asked and no dice are thrown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.cli import kept
from services.cli.rehearsal.sources import Looked
from services.sampler.config import GlobalLimit, SamplerConfig
from services.sampler.strategies import Look, Strategy
from services.sampler.strategies.strategy import StrategyLimit
from shared.bootstrap import OpenBackend
from shared.settings import Settings
from shared.streams import ids
from shared.streams.predictions import ClassScore, Detection, Prediction, prediction_id
from shared.streams.samples import Design

HOUR_S, DAY_S = 3_600.0, 86_400.0
WINDOW_S = {"minute": 60.0, "hour": HOUR_S, "day": DAY_S}


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame that was looked at: what every strategy thinks of it, and its sample if it was drawn."""

    prediction_id: str
    prediction: Prediction
    looks: tuple[tuple[Strategy, Look], ...]
    design: Design | None = None

    @property
    def probability(self) -> float:
        """Of being drawn by any of them."""
        return ids.union(look.probability for _, look in self.looks)

    @property
    def matched(self) -> list[tuple[Strategy, Look]]:
        return [(strategy, look) for strategy, look in self.looks if look.probability > 0]

    @property
    def shown(self) -> "list[Detection | ClassScore]":
        """What the product would show of it."""
        prediction = self.prediction
        if prediction.task == "classify":
            return [one for one in prediction.classes[:1] if one.confidence >= prediction.threshold_for(one.class_name)]
        return list(prediction.above_threshold())

    def by(self, strategy: Strategy) -> float:
        """How likely that strategy is to draw it."""
        return next((look.probability for one, look in self.looks if one.label == strategy.label), 0.0)


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one strategy (None: of all together): frames that matched, that were drawn, and that would be per second."""

    strategy: Strategy | None
    matched: int
    drawn: int
    rate: float


@dataclass(frozen=True, slots=True)
class Bite:
    """A limit (of a strategy; None: of all) and what it does. `reached_after_s`: within its window; None: never."""

    of: str | None
    limit: GlobalLimit | StrategyLimit
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
        return [one for one in self.seen if one.design is not None]

    def rate(self, weight: Callable[[Seen], float]) -> float:
        """The sum of a weight over the frames, per second if all sources went on like this; untimed: per frame."""
        if not self.timed:
            return sum(map(weight, self.seen)) / max(1, len(self.seen))
        return sum(weight(one) / (self.looked.seconds[one.prediction.source_id] or 1.0) for one in self.seen)

    @cached_property
    def strategies(self) -> list[Expected]:
        return [*map(self._of, self.config.strategies), self._of_all()]

    def _of(self, strategy: Strategy) -> Expected:
        matched = [one for one in self.seen if one.by(strategy) > 0]
        drawn = [one for one in self.drawn if one.design and _reason(one.design, strategy.label)]
        return Expected(strategy, len(matched), len(drawn), self.rate(lambda one: one.by(strategy)))

    def _of_all(self) -> Expected:
        matched = sum(1 for one in self.seen if one.probability > 0)
        return Expected(None, matched, len(self.drawn), self.rate(lambda one: one.probability))

    @cached_property
    def bites(self) -> list[Bite]:
        """Every limit. One of a strategy spares the frames that a strategy without a limit drew as well."""
        own = [
            _bite(strategy.label, limit, self.rate(self._limited(strategy)))
            for strategy in self.config.strategies
            if not strategy.floor
            for limit in strategy.limits
        ]
        passing = self.drawn_per_s - _worst(own) / DAY_S
        return [*own, *(_bite(None, one, passing) for one in self.config.limits)]

    def _limited(self, strategy: Strategy) -> Callable[[Seen], float]:
        free = [one for one in self.config.strategies if one.floor or not one.limits]
        return lambda seen: seen.by(strategy) * (1.0 - ids.union(seen.by(one) for one in free))

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
    designs = {
        sample.prediction.frame.frame_id: sample
        for records in kept.read(backend.log).samples.values()
        for sample in records
        if isinstance(sample, Design)
    }
    seen = tuple(
        Seen(
            prediction_id(record, prediction),
            prediction,
            looks_at(prediction, config.strategies),
            designs.get(prediction.frame.frame_id),
        )
        for record, prediction in kept.predictions_of(backend.log)
    )
    for source_id, first_ms in _first(seen).items():
        looked.saw(source_id, first_ms)
    return Outlook(seen, config, looked, unreadable=sum(1 for _ in kept.records_of(backend.log, "frames.dlq")))


def _first(seen: Sequence[Seen]) -> dict[str, int]:
    """When each source's first frame came, in milliseconds of log time."""
    first: dict[str, int] = {}
    for one in seen:
        source_id, time_ms = one.prediction.source_id, one.prediction.frame.time_ms
        first[source_id] = min(time_ms, first.get(source_id, time_ms))
    return first


def looks_at(prediction: Prediction, strategies: Sequence[Strategy]) -> tuple[tuple[Strategy, Look], ...]:
    """What each would say if its dice fell its way: the probability and the rule in words are the same."""
    return tuple((strategy, strategy.look(prediction, lambda *_: 0.0)) for strategy in strategies)


def _reason(design: Design, label: str) -> bool:
    return any(reason.strategy == label for reason in design.reasons)


def _bite(of: str | None, limit: GlobalLimit | StrategyLimit, per_s: float) -> Bite:
    window_s = WINDOW_S[limit.per]
    over = per_s * window_s - limit.most
    if over <= 0:
        return Bite(of, limit, None, 0.0)
    return Bite(of, limit, limit.most / per_s, over * DAY_S / window_s)


def _worst(bites: Sequence[Bite]) -> float:
    """Refused per day: of several limits of one strategy the hardest counts, of several strategies all."""
    hardest: dict[str | None, float] = {}
    for one in bites:
        hardest[one.of] = max(hardest.get(one.of, 0.0), one.refused_per_day)
    return sum(hardest.values())
