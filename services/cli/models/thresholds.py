"""From which confidence a box counts: as the command line says, else as the product does."""

from pathlib import Path

from services.cli.models.bucket import live_model
from shared.models.config import ModelConfig
from shared.settings import Settings


def at_threshold(settings: Settings, path: Path, confidence: float | None) -> ModelConfig:
    """A model file under the settings' product thresholds, or under one confidence for every class."""
    live = live_model(settings)
    if confidence is None and live is not None:
        known = {"threshold": live.threshold, "class_thresholds": live.class_thresholds}
        return ModelConfig(path=path, lowest_confidence=live.lowest_confidence, **known)
    return with_confidence(path, ModelConfig(path=path).threshold if confidence is None else confidence)


def with_confidence(path: Path, confidence: float, sidecar: Path | None = None) -> ModelConfig:
    """What is weaker is carried as far down as the service carries it."""
    lowest = min(ModelConfig(path=path).lowest_confidence, confidence)
    return ModelConfig(path=path, sidecar=sidecar, threshold=confidence, lowest_confidence=lowest)
