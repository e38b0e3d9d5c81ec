"""One image and what the model saw in it, or why it could not be read."""

from dataclasses import dataclass
from pathlib import Path

from shared.streams.predictions import ClassScore, Detection, Prediction


@dataclass(frozen=True, slots=True)
class Predicted:
    """`picture`: where it was drawn. `why`: what is wrong with the file, empty where there is a prediction."""

    path: Path
    prediction: Prediction | None = None
    picture: Path | None = None
    why: str = ""

    @property
    def detections(self) -> tuple[Detection, ...]:
        """Those that are shown."""
        return self.prediction.above_threshold() if self.prediction else ()

    @property
    def classes(self) -> tuple[ClassScore, ...]:
        return self.prediction.classes if self.prediction else ()

    @property
    def weaker(self) -> int:
        """Boxes that the service would carry and not show."""
        return len(self.prediction.detections) - len(self.detections) if self.prediction else 0
