"""every_nth: one random frame of every block of N of a source (SCIENCE A.6). A floor that spreads over time.

A plain "every N-th" has no honest variance and aliases with periodic scenes; one *random* frame per block has exactly
probability 1/N and neither fault.
"""

from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import Dice, Strategy


class EveryNth(Strategy):
    """Needs the producer's `frame_index`; a frame without one gets an independent draw with probability 1/N."""

    floor: ClassVar[bool] = True

    type: Literal["every_nth"] = "every_nth"
    n: int = Field(ge=1, le=2**20, description="block length in frames, a power of two")

    @field_validator("n")
    @classmethod
    def _power_of_two(cls, n: int) -> int:
        if n & (n - 1):
            raise ValueError(
                f"expected a power of two (nearest: {2 ** (n.bit_length() - 1)} and {2 ** n.bit_length()})"
            )
        return n

    @model_validator(mode="after")
    def _only_n(self) -> "EveryNth":
        for name in ("probability", "budget", "share"):
            if getattr(self, name) is not None:
                raise ValueError(f"expected `n` alone, got `{name}`: every_nth keeps 1 in n; random can have a {name}")
        return self

    @property
    def fixed(self) -> float | None:
        return 1 / self.n

    def score(self, scene: Scene) -> float:
        return 1.0

    def rule(self, scene: Scene) -> str:
        return f"one random frame of every {self.n}"

    def fires(self, scene: Scene, dice: Dice, probability: float) -> bool:
        """The block decides, whatever `probability` says: it is 1/n."""
        prediction = scene.prediction
        index = prediction.frame_index
        if index is None:
            return dice(prediction.frame.frame_id) < 1 / self.n
        chosen = int(dice("block", prediction.source_id, str(index // self.n), str(self.n)) * self.n)
        return index % self.n == chosen
