"""Drawing: every strategy scores a scene, the plan says how likely a frame of that score is drawn, and the dice fall. Pure.

Promises: the same draw for the same scene, settings, plan and salt. Each strategy has dice of its own, so that the union is
over independent draws (SCIENCE B.2).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.sampler.strategies import Strategy
from services.sampler.strategies.scene import Scene
from shared.streams import ids
from shared.streams.predictions import Prediction
from shared.streams.samples import Reason

LIGHTEST = 1e-3
"""The least weight of a frame that interests at all: no score is so low that its probability vanishes."""


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one strategy: how much the frame interests, how likely it was drawn, and whether it was."""

    strategy: Strategy
    score: float
    weight: float
    probability: float
    fired: bool


@dataclass(frozen=True, slots=True)
class Draw:
    """A prediction that at least one strategy drew. `epoch_ms`: of the plan that gave the probabilities.

    `rules` and `confidences`: by label of the strategies that drew it, why, and the one confidence that this speaks of.
    """

    prediction_id: str
    prediction: Prediction
    looks: tuple[Look, ...]
    rules: Mapping[str, str]
    epoch_ms: int | None = None
    confidences: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def fired(self) -> tuple[Strategy, ...]:
        return tuple(look.strategy for look in self.looks if look.fired)

    @property
    def on_floor(self) -> bool:
        return any(strategy.floor for strategy in self.fired)

    @property
    def charged(self) -> Strategy:
        """Whose budget it is: the floor's where it drew the frame, else the first one's."""
        return min(self.fired, key=lambda strategy: not strategy.floor)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return tuple(
            Reason(
                strategy=look.strategy.label,
                rule=self.rules[look.strategy.label],
                score=self.confidences.get(look.strategy.label),
                probability=look.probability,
            )
            for look in self.looks
            if look.fired
        )

    @property
    def probabilities(self) -> dict[str, float]:
        return {look.strategy.label: look.probability for look in self.looks}

    @property
    def probability(self) -> float:
        return ids.union(look.probability for look in self.looks)

    @property
    def floor(self) -> tuple[str, ...]:
        """Which of the strategies are the floor, whether they drew it or not."""
        return tuple(look.strategy.label for look in self.looks if look.strategy.floor)

    @property
    def scores(self) -> dict[str, float]:
        return {look.strategy.label: look.score for look in self.looks if look.score and not look.strategy.floor}

    @property
    def weights(self) -> dict[str, float]:
        return {look.strategy.label: look.weight for look in self.looks if look.weight}

    @property
    def is_gated(self) -> bool:
        """Might a gate take something away from it?"""
        return any(look.probability and not look.strategy.floor for look in self.looks)

    def floor_alone(self) -> "Draw | None":
        """What is left when a gate takes the informative draws away: None when the floor did not draw it (SCIENCE A.2)."""
        looks = tuple(look if look.strategy.floor else _taken_away(look) for look in self.looks)
        if not any(look.fired for look in looks):
            return None
        return Draw(self.prediction_id, self.prediction, looks, self.rules, self.epoch_ms, self.confidences)


def _taken_away(look: Look) -> Look:
    return Look(look.strategy, look.score, look.weight, 0.0, fired=False)


Met = tuple[float, float, float, bool]
"""(score, weight, probability, fired): what a strategy made of a frame, as cheaply as Python can say it."""
_NOT_MET: Met = (0.0, 0.0, 0.0, False)


@dataclass(slots=True)
class Plan:
    """What the plan of an epoch says: each planned strategy's scale, and the factor by which the floor weighs this source.

    `met` is told the weight of every frame that interests a planned strategy, drawn or not: later plans are made of them.
    """

    epoch_ms: int
    scales: Mapping[str, float]
    met: Callable[[str, float], None]
    factor: float = 1.0


class Drawer:
    """The strategies of one collection, each with its dice."""

    def __init__(self, salt: bytes, collection: str, strategies: Sequence[Strategy]) -> None:
        self._hands = [_Hand(strategy, ids.Dice(salt, "draw", collection, strategy.label)) for strategy in strategies]

    def draw(self, prediction_id: str, scene: Scene, plan: Plan | None = None) -> Draw | None:
        """None when no strategy drew it: where most predictions end."""
        met = self.meet(scene, plan)
        return None if met is None else self.drawn(prediction_id, scene, met, plan)

    def meet(self, scene: Scene, plan: Plan | None = None) -> list[Met] | None:
        """What each strategy makes of it; None when none drew it. Asked before anything is made for a draw."""
        met = [hand.meet(scene, plan) for hand in self._hands]
        for one in met:
            if one[3]:
                return met
        return None

    def drawn(self, prediction_id: str, scene: Scene, met: Iterable[Met], plan: Plan | None) -> Draw:
        looks = tuple(Look(hand.strategy, *one) for hand, one in zip(self._hands, met, strict=True))
        fired = [look.strategy for look in looks if look.fired]
        rules = {strategy.label: strategy.rule(scene) for strategy in fired}
        confidences = {strategy.label: strategy.looked_at(scene) for strategy in fired}
        epoch_ms = None if plan is None else plan.epoch_ms
        return Draw(prediction_id, scene.prediction, looks, rules, epoch_ms, confidences)


class _Hand:
    """A strategy with its dice, and what never changes of it at hand."""

    __slots__ = ("_dice", "_fires", "_fixed", "_floor", "_gamma", "_label", "_score", "strategy")

    def __init__(self, strategy: Strategy, dice: ids.Dice) -> None:
        self.strategy = strategy
        self._dice = dice
        self._score, self._fires = strategy.score, strategy.fires
        self._gamma, self._fixed = strategy.gamma, strategy.fixed
        self._floor, self._label = strategy.floor, strategy.label

    def meet(self, scene: Scene, plan: Plan | None) -> Met:
        score = self._score(scene)
        if score <= 0.0:
            return _NOT_MET
        weight = self._weight(score, plan)
        scale = self._fixed
        if scale is None:
            scale = self._planned(weight, plan)
        probability = min(1.0, scale * weight)
        return score, weight, probability, self._fires(scene, self._dice, probability)

    def _weight(self, score: float, plan: Plan | None) -> float:
        if self._floor:
            return 1.0 if self._fixed is not None or plan is None else plan.factor
        weight = score * score if self._gamma == 2.0 else score**self._gamma
        return weight if weight > LIGHTEST else LIGHTEST

    def _planned(self, weight: float, plan: Plan | None) -> float:
        if plan is None:
            return 0.0
        plan.met(self._label, weight)
        return plan.scales.get(self._label, 0.0)
