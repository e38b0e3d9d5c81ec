"""any_of: several strategies as one, interested where any of them is: the noisy-or of their scores (SCIENCE C)."""

from typing import Literal

from pydantic import Field, model_validator

from services.sampler.strategies.combination import Combination
from services.sampler.strategies.scene import Scene
from shared.streams.predictions import Probability


class AnyOf(Combination):
    """`1 - prod(1 - a_k * s_k)`."""

    type: Literal["any_of"] = "any_of"
    weights: tuple[Probability, ...] | None = Field(
        default=None, description="what each member counts for, in their order; default: 1 each"
    )

    @model_validator(mode="after")
    def _one_weight_each(self) -> "AnyOf":
        if self.weights is not None and len(self.weights) != len(self.strategies):
            raise ValueError(f"expected {len(self.strategies)} weights, one for each member, got {len(self.weights)}")
        return self

    def score(self, scene: Scene) -> float:
        none = 1.0
        for score in self._scores(scene):
            none *= 1.0 - score
        return 1.0 - none

    def rule(self, scene: Scene) -> str:
        scores = self._scores(scene)
        return self.strategies[scores.index(max(scores))].rule(scene)

    def _scores(self, scene: Scene) -> list[float]:
        scores = [one.score(scene) for one in self.strategies]
        return scores if self.weights is None else [a * s for a, s in zip(self.weights, scores, strict=True)]
