"""temporal: this frame contradicts the frames before it (SCIENCE C). The default for what the model misses.

Promises: the noisy-or of lost_track, ghost and count_change. The weights follow what each alone was measured to find.
"""

from functools import cached_property
from typing import ClassVar, Literal

from pydantic import Field

from services.sampler.strategies.count_change import CountChange
from services.sampler.strategies.ghost import Ghost
from services.sampler.strategies.lost_track import LostTrack
from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import ClassesStrategy, Strategy
from shared.settings import Config
from shared.streams.predictions import Probability


class Parts(Config):
    """What each part counts for; 0 leaves it out."""

    lost_track: Probability = Field(default=0.8, description="an object that was there is gone")
    ghost: Probability = Field(default=0.5, description="a weak box just below the threshold")
    count_change: Probability = Field(default=0.4, description="suddenly more or fewer objects, of any class")


class Temporal(ClassesStrategy):
    """`1 - prod(1 - a_k * s_k)` over its parts."""

    needs_past: ClassVar[bool] = True

    type: Literal["temporal"] = "temporal"
    parts: Parts = Parts()

    def score(self, scene: Scene) -> float:
        none = 1.0
        for weight, part in self._weighted:
            none *= 1.0 - weight * part.score(scene)
        return 1.0 - none

    def rule(self, scene: Scene) -> str:
        _, part = max(self._weighted, key=lambda one: one[0] * one[1].score(scene))
        return part.rule(scene)

    @cached_property
    def _weighted(self) -> tuple[tuple[float, Strategy], ...]:
        names = self.selected_class_names
        parts = (
            (self.parts.lost_track, LostTrack(selected_class_names=names)),
            (self.parts.ghost, Ghost(selected_class_names=names)),
            (self.parts.count_change, CountChange()),
        )
        return tuple(one for one in parts if one[0])
