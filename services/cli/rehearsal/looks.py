"""Looks: what every strategy makes of every frame that was seen, and how likely a run would draw it.

Promises: scenes are made as the sampler makes them. A strategy with a fixed probability has that; one with a budget has the
probability by which just this stream, going on like this, would meet the budget. No store is asked and no dice are thrown.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.sampler.config import NamedCollection, SamplerConfig
from services.sampler.drawing import LIGHTEST
from services.sampler.plan.solve import solve
from services.sampler.planned import planned
from services.sampler.recent.memory import Recent
from services.sampler.strategies import Strategy
from services.sampler.strategies.scene import Scene
from services.sampler.waiting import IDLE_S, WaitingRoom
from shared.runtime.service import Received
from shared.streams.predictions import Prediction
from shared.streams.record import Record

PerSecond = Callable[[Prediction], float]
"""How many frames per second one that was seen stands for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A strategy of a collection. `budget_per_s`: what it may keep; None: its probability is fixed."""

    collection: str
    strategy: Strategy
    budget_per_s: float | None = None
    is_default: bool = True

    @property
    def label(self) -> str:
        """With the name of its collection, where that is not the settings' top level."""
        return self.strategy.label if self.is_default else f"{self.collection}: {self.strategy.label}"


@dataclass(frozen=True, slots=True)
class Look:
    """What one rule makes of a frame: how much it interests, how likely it is drawn, and why in words."""

    rule: Rule
    score: float
    probability: float
    words: str
    confidence: float | None = None
    """The one that the words speak of, where it is one."""


def rules_of(config: SamplerConfig) -> list[tuple[NamedCollection, list[Rule]]]:
    """Every collection with its rules, the top-level one first."""
    return [(options, _rules(name, options, name == config.collection)) for name, options in config.all_collections()]


def _rules(name: str, options: NamedCollection, is_default: bool) -> list[Rule]:
    budgets = {one.label: one.per_s for one in planned(options)}
    return [Rule(name, one, budgets.get(one.label), is_default) for one in options.strategies]


def scenes_of(predictions: Iterable[tuple[Record, Prediction]], config: SamplerConfig) -> list[tuple[Record, Scene]]:
    """What strategies look at, in the order of the log: with the recent past, and what came after where one waits for it."""
    frames = max((one.waits_frames for _, rules in rules_of(config) for one in _strategies(rules)), default=0)
    recent, room = Recent(), WaitingRoom(frames)
    for record, prediction in predictions:
        received = Received(record, prediction)
        room.add(received, Scene(prediction, recent.meet(received)))
    scenes: list[tuple[Record, Scene]] = []
    for second in range(int(IDLE_S) + 2):  # nothing more comes
        scenes += ((received.record, scene) for received, scene in room.released(float(second)))
        room.settle()
    return scenes


def looks_at(scenes: Sequence[Scene], config: SamplerConfig, per_s: PerSecond) -> list[tuple[Look, ...]]:
    """For each scene, what each rule of each collection that admits it makes of it."""
    found: list[list[Look]] = [[] for _ in scenes]
    for options, rules in rules_of(config):
        mine = [
            (n, one)
            for n, one in enumerate(scenes)
            if options.admits(one.prediction.source_id, one.prediction.model_id)
        ]
        for rule in rules:
            for (number, _), look in zip(mine, _looks(rule, [one for _, one in mine], per_s), strict=True):
                found[number].append(look)
    return [tuple(looks) for looks in found]


def _looks(rule: Rule, scenes: Sequence[Scene], per_s: PerSecond) -> list[Look]:
    strategy = rule.strategy
    scores = [strategy.score(scene) for scene in scenes]
    weights = [_weight(strategy, score) for score in scores]
    scale = _scale(rule, weights, [per_s(scene.prediction) for scene in scenes])
    return [
        _look(rule, scene, score, min(1.0, scale * weight))
        for scene, score, weight in zip(scenes, scores, weights, strict=True)
    ]


def _look(rule: Rule, scene: Scene, score: float, probability: float) -> Look:
    if not score:
        return Look(rule, score, probability, "")
    return Look(rule, score, probability, rule.strategy.rule(scene), rule.strategy.looked_at(scene))


def _weight(strategy: Strategy, score: float) -> float:
    if score <= 0:
        return 0.0
    return 1.0 if strategy.floor else max(LIGHTEST, score**strategy.gamma)


def _scale(rule: Rule, weights: Sequence[float], per_s: Sequence[float]) -> float:
    if rule.strategy.fixed is not None:
        return rule.strategy.fixed
    interesting = [(count, weight) for count, weight in zip(per_s, weights, strict=True) if weight]
    return solve([count for count, _ in interesting], [weight for _, weight in interesting], rule.budget_per_s or 0.0)


def _strategies(rules: Iterable[Rule]) -> Iterable[Strategy]:
    return (rule.strategy for rule in rules)
