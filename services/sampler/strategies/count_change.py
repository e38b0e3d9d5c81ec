"""count_change: suddenly more or fewer objects than in the frames before (SCIENCE C)."""

from typing import ClassVar, Literal

from pydantic import Field

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import Strategy


class CountChange(Strategy):
    """`min(1, abs(n - median of up to three frames before) / full)`. 0 while nothing came before."""

    needs_past: ClassVar[bool] = True

    type: Literal["count_change"] = "count_change"
    full: float = Field(default=2.0, ge=1, le=1000, description="so many objects more or fewer score 1")

    def score(self, scene: Scene) -> float:
        past = scene.past
        counts = past.counts
        if not counts:
            return 0.0
        change = abs(past.count - median(counts)) / self.full
        return change if change < 1.0 else 1.0

    def rule(self, scene: Scene) -> str:
        return f"{scene.past.count} detected, {median(scene.past.counts):g} before"


def median(counts: tuple[int, ...]) -> float:
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(counts)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
