"""random: the same chance for all frames, whatever the model said. The floor: it alone finds what the model never saw."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import Strategy


class RandomFraction(Strategy):
    """Each frame with the same probability, by a keyed hash of its id."""

    floor: ClassVar[bool] = True

    type: Literal["random"] = "random"
    fraction: float | None = Field(
        default=None, gt=0, le=1, description="share of all frames, 0.01 is one in a hundred"
    )

    @model_validator(mode="after")
    def _one_amount(self) -> "RandomFraction":
        if self.probability is not None:
            raise ValueError("expected `fraction` where random is meant to be fixed, got `probability`")
        given = [name for name in ("fraction", "budget", "share") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of fraction, budget and share, got {' and '.join(given) or 'none'}")
        return self

    @property
    def fixed(self) -> float | None:
        return self.fraction

    def score(self, scene: Scene) -> float:
        return 1.0

    def rule(self, scene: Scene) -> str:
        return "a random check" if self.fraction is None else f"a random check (1 in {1 / self.fraction:,.0f})"
