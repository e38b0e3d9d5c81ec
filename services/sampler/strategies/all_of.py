"""all_of: several strategies as one, interested where every one of them is: the product of their scores."""

from typing import Literal

from services.sampler.strategies.combination import Combination
from services.sampler.strategies.scene import Scene

MOST_WORDS = 3


class AllOf(Combination):
    """`prod(s_k)`: 0 as soon as one member has no interest."""

    type: Literal["all_of"] = "all_of"

    def score(self, scene: Scene) -> float:
        product = 1.0
        for one in self.strategies:
            product *= one.score(scene)
            if not product:
                return 0.0
        return product

    def rule(self, scene: Scene) -> str:
        shown = [one.rule(scene) for one in self.strategies[:MOST_WORDS]]
        more = len(self.strategies) - len(shown)
        return "; ".join([*shown, f"and {more} more"] if more else shown)
