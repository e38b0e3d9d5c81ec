"""What Hugging Face leaves beside a model: `config.json` and `preprocessor_config.json`, read as a sidecar."""

from collections.abc import Sequence
from pathlib import Path

from services.inference.sidecar import Sidecar


def said_by_companions(files: Sequence[Path]) -> Sidecar:
    """Of the files that lie beside the model, those that say something of it. Raises SettingsError for broken JSON."""
    return Sidecar()
