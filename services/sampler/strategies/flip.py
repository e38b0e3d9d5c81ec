"""flip: an object changed its class from one frame to the next (SCIENCE C). One of the two is wrong."""

from typing import ClassVar, Literal

from services.sampler.recent.past import Flip as Turn
from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import ClassesStrategy


class Flip(ClassesStrategy):
    """Matches when a track's class changed; with `selected_class_names`, from or to one of them."""

    needs_past: ClassVar[bool] = True

    type: Literal["flip"] = "flip"

    def score(self, scene: Scene) -> float:
        flips = scene.past.flips
        return 1.0 if flips and self._matching(flips) else 0.0

    def rule(self, scene: Scene) -> str:
        surest = max(self._matching(scene.past.flips), key=lambda flip: flip.confidence)
        return f"{surest.before} became {surest.after} ({surest.confidence:.2f})"

    def _matching(self, flips: tuple[Turn, ...]) -> list[Turn]:
        names = self.selected_class_names
        return [flip for flip in flips if names is None or flip.before in names or flip.after in names]
