"""blip: something was seen for a moment in the middle of the picture, and was never there before or after (SCIENCE C)."""

from typing import ClassVar, Literal

from services.sampler.recent.past import Blip as Brief
from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import ClassesStrategy


class Blip(ClassesStrategy):
    """Matches when a track of one or two hits, begun and ended away from the border, is over."""

    needs_past: ClassVar[bool] = True

    type: Literal["blip"] = "blip"

    def score(self, scene: Scene) -> float:
        blips = scene.past.blips
        return 1.0 if blips and self._matching(blips) else 0.0

    def rule(self, scene: Scene) -> str:
        surest = max(self._matching(scene.past.blips), key=lambda blip: blip.confidence)
        return f"{surest.class_name} {surest.confidence:.2f}, seen for a moment only"

    def _matching(self, blips: tuple[Brief, ...]) -> list[Brief]:
        names = self.selected_class_names
        return [blip for blip in blips if names is None or blip.class_name in names]
