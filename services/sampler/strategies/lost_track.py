"""lost_track: an object that was there frame after frame is suddenly gone (SCIENCE C). The best sign of a missed object."""

from typing import ClassVar, Literal

from pydantic import Field

from services.sampler.recent.past import Lost
from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import ClassesStrategy


class LostTrack(ClassesStrategy):
    """Matches while a track of enough hits, last seen away from the border, is not found, for five frames at most."""

    needs_past: ClassVar[bool] = True

    type: Literal["lost_track"] = "lost_track"
    minimum_hits: int = Field(default=3, ge=3, le=1000, description="frames in which the object was seen before")
    most_missed: int = Field(default=5, ge=1, le=5, description="frames since it was last seen, this one included")

    def score(self, scene: Scene) -> float:
        lost = scene.past.lost
        return 1.0 if lost and self._matching(lost) else 0.0

    def rule(self, scene: Scene) -> str:
        longest = max(self._matching(scene.past.lost), key=lambda track: track.hits)
        ago = "now" if longest.missed == 1 else f"for {longest.missed} frames"
        return f"{longest.class_name}, seen in {longest.hits} frames, gone {ago}"

    def _matching(self, lost: tuple[Lost, ...]) -> list[Lost]:
        names = self.selected_class_names
        return [
            track
            for track in lost
            if track.hits >= self.minimum_hits
            and track.missed <= self.most_missed
            and (names is None or track.class_name in names)
        ]
