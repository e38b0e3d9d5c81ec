"""Drawing: every strategy looks at a prediction; the draw and its probability come out. Pure.

Promises: the same draw for the same prediction, settings and salt. The union is over independent draws: each strategy has
dice of its own (SCIENCE B.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.sampler.strategies import Look, Strategy
from shared.streams import ids
from shared.streams.predictions import Prediction
from shared.streams.samples import Reason


@dataclass(frozen=True, slots=True)
class Draw:
    """A prediction that at least one strategy drew."""

    prediction_id: str
    prediction: Prediction
    looks: tuple[tuple[Strategy, Look], ...]

    @property
    def fired(self) -> tuple[Strategy, ...]:
        return tuple(strategy for strategy, look in self.looks if look.fired)

    @property
    def on_floor(self) -> bool:
        return any(strategy.floor for strategy in self.fired)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return tuple(
            Reason(strategy=strategy.label, rule=look.rule, score=look.score, probability=look.probability)
            for strategy, look in self.looks
            if look.fired
        )

    @property
    def probabilities(self) -> dict[str, float]:
        return {strategy.label: look.probability for strategy, look in self.looks}

    @property
    def probability(self) -> float:
        return ids.union(look.probability for _, look in self.looks)


class Drawer:
    """The strategies of one collection, each with its dice."""

    def __init__(self, salt: bytes, collection: str, strategies: Sequence[Strategy]) -> None:
        self._hands = [
            (strategy, partial(ids.draw, salt, "draw", collection, strategy.label)) for strategy in strategies
        ]

    def draw(self, prediction_id: str, prediction: Prediction) -> Draw | None:
        """None when no strategy drew it: where most predictions end."""
        looks = self.looks(prediction)
        return None if looks is None else Draw(prediction_id, prediction, looks)

    def looks(self, prediction: Prediction) -> "tuple[tuple[Strategy, Look], ...] | None":
        """Every strategy's look, None when none of them drew it. Asked before anything is made for a draw."""
        looks = tuple([(strategy, strategy.look(prediction, dice)) for strategy, dice in self._hands])
        return looks if any(look.fired for _, look in looks) else None
