"""Does a convention matter? A model read with one thing said wrongly, held against the same model read rightly."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from shared.models.config import ModelConfig
from shared.models.families.family import Findings
from shared.models.model import Model
from tests.families.pictures import picture

SIZE_PX = (517, 333)
SCORE, PX = 0.002, 0.5


def changes_what_is_seen(file: Path, wrong: dict[str, Any], folder: Path) -> bool:
    """Whether the contract suite would notice: another number, another class, a score or an edge beyond what it allows."""
    sidecar = folder / "wrong.yaml"
    sidecar.write_text(yaml.safe_dump(wrong))
    right, other = seen(Model(ModelConfig(path=file))), seen(Model(ModelConfig(path=file, sidecar=sidecar)))
    assert len(right.class_ids) > 0
    if right.class_ids.tolist() != other.class_ids.tolist():
        return True
    assert right.boxes is not None
    assert other.boxes is not None
    apart = np.abs(right.confidences - other.confidences).max(), np.abs(right.boxes - other.boxes).max()
    return bool(apart[0] > SCORE or apart[1] > PX)


def seen(model: Model) -> Findings:
    prepared = model.prepare(picture(*SIZE_PX))
    return model.read(model.run(model.open_session(), [prepared])[0], prepared)
