"""From which confidence a box counts: as the command line says, else as the product does."""

from pathlib import Path

from services.inference.config import InferenceConfig, ModelConfig
from shared.settings import Settings

LOWEST = 0.05
"""What is carried; weaker boxes are not the service's either."""


def at_threshold(settings: Settings, path: Path, confidence: float | None, sidecar: Path | None = None) -> ModelConfig:
    """A model file under the settings' product thresholds, or under one confidence for every class."""
    live = settings.read(InferenceConfig).model if "model" in settings.values else None
    if confidence is None and live is not None:
        known = {"threshold": live.threshold, "class_thresholds": live.class_thresholds}
        return ModelConfig(path=path, sidecar=sidecar, lowest_confidence=live.lowest_confidence, **known)
    return with_confidence(path, ModelConfig(path=path).threshold if confidence is None else confidence, sidecar)


def with_confidence(path: Path, confidence: float, sidecar: Path | None = None) -> ModelConfig:
    lowest = min(LOWEST, confidence)
    return ModelConfig(path=path, sidecar=sidecar, threshold=confidence, lowest_confidence=lowest)
