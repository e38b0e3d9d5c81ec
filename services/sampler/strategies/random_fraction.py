"""random: a fraction of all frames, whatever the model said. The floor: it alone finds what the model never saw."""

from typing import ClassVar, Literal

from pydantic import Field

from services.sampler.strategies.strategy import Dice, Look, Strategy
from shared.streams.predictions import Prediction


class RandomFraction(Strategy):
    """Each frame with the same probability, by a keyed hash of its id."""

    floor: ClassVar[bool] = True

    type: Literal["random"] = "random"
    fraction: float = Field(gt=0, le=1, description="share of all frames, 0.01 is one in a hundred")

    def look(self, prediction: Prediction, dice: Dice) -> Look:
        fired = dice(prediction.frame.frame_id) < self.fraction
        return Look(self.fraction, fired, None, f"a random check (1 in {1 / self.fraction:,.0f})" if fired else "")
