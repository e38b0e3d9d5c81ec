"""jump: the model was sure of an object and then was not, or the other way round (SCIENCE C)."""

from typing import ClassVar, Literal

from pydantic import Field

from services.sampler.recent.past import Jump as Leap
from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import ClassesStrategy
from shared.streams.predictions import Probability


class Jump(ClassesStrategy):
    """The largest `abs(p - p_before)` of a track from the frame before to this one."""

    needs_past: ClassVar[bool] = True

    type: Literal["jump"] = "jump"
    at_least: Probability = Field(default=0.0, description="smaller changes are no interest")

    def score(self, scene: Scene) -> float:
        jumps = scene.past.jumps
        if not jumps:
            return 0.0
        delta = max([jump.delta for jump in self._selected(jumps)], default=0.0)
        return min(1.0, delta) if delta >= self.at_least else 0.0

    def rule(self, scene: Scene) -> str:
        largest = max(self._selected(scene.past.jumps), key=lambda jump: jump.delta)
        return f"{largest.class_name}: confidence changed by {largest.delta:.2f} since the frame before"

    def _selected(self, jumps: tuple[Leap, ...]) -> "tuple[Leap, ...] | list[Leap]":
        names = self.selected_class_names
        return jumps if names is None else [jump for jump in jumps if jump.class_name in names]
