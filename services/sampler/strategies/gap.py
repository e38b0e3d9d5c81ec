"""gap: an object was there before and is there after, not in between (SCIENCE C). Lost track with proof, five frames late."""

from typing import ClassVar, Literal

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import Strategy


class Gap(Strategy):
    """Matches a frame that does not show a track which comes back within five frames. It waits for these frames."""

    needs_past: ClassVar[bool] = True
    waits_frames: ClassVar[int] = 5

    type: Literal["gap"] = "gap"

    def score(self, scene: Scene) -> float:
        return 1.0 if scene.gaps > 0 else 0.0

    def rule(self, scene: Scene) -> str:
        missing = "an object is" if scene.gaps == 1 else f"{scene.gaps} objects are"
        return f"{missing} missing that will be back"
