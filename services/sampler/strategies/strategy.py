"""What a strategy is: options, and one pure look at a prediction.

Promises: the same look for the same prediction, settings and salt, in every process, for ever. `probability` is how likely
the draw was before it was made; 0 where the rule has no interest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from shared.settings import Config
from shared.streams.predictions import ClassScore, Detection, Prediction

Dice = Callable[..., float]
"""`dice(*what)`: the uniform number in [0, 1) that salt, collection and strategy give to this; no dice at all."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a strategy makes of a prediction. `rule` is in words, for people."""

    probability: float = 0.0
    fired: bool = False
    score: float | None = None
    rule: str = ""


NOTHING = Look()


class StrategyLimit(Config):
    """A hard cap on what one strategy keeps; beyond it a drawn frame is published without its image."""

    most: int = Field(ge=1, description="samples per window")
    per: Literal["minute", "hour", "day"]


class Strategy(Config):
    """The base of every strategy: its options are its fields."""

    floor: ClassVar[bool] = False
    """A random slice: no limit but the global one may refuse what it draws."""

    type: str
    name: str = Field(
        default="", max_length=64, description="how reasons, limits and metrics call it; default: its type"
    )
    limits: tuple[StrategyLimit, ...] = ()

    @property
    def label(self) -> str:
        return self.name or self.type

    def look(self, prediction: Prediction, dice: Dice) -> Look:
        raise NotImplementedError(f"{type(self).__name__}.look")


class MatchStrategy(Strategy):
    """A strategy that draws what it matches: always, or with a fixed probability."""

    probability: float = Field(default=1.0, gt=0, le=1, description="share of what matches that is drawn")
    selected_class_names: tuple[str, ...] | None = Field(default=None, description="only these classes; default: all")

    def look(self, prediction: Prediction, dice: Dice) -> Look:
        match = self.match(prediction)
        if match is None:
            return NOTHING
        score, rule = match
        fired = dice(prediction.frame.frame_id) < self.probability
        return Look(self.probability, fired, score, rule)

    def match(self, prediction: Prediction) -> tuple[float, str] | None:
        """The score that matched and the rule in words; None without interest."""
        raise NotImplementedError(f"{type(self).__name__}.match")

    def selected(self, prediction: Prediction) -> "list[Detection | ClassScore]":
        """The detections or class scores that the rule may look at."""
        of = prediction.classes if prediction.task == "classify" else prediction.detections
        names = self.selected_class_names
        return list(of) if names is None else [one for one in of if one.class_name in names]
