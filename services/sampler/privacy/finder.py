"""A second model that finds what is to be hidden: faces, plates. It sees the drawn frames alone.

Promises: refused at start where it cannot work or finds nothing of what is asked. Whatever goes wrong with a frame later is
Withheld: no answer, numbers that are none, as many findings as it can say. Used by one thread.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.sampler.privacy.options import Privacy
from services.sampler.privacy.withheld import Withheld
from shared.errors import SettingsError
from shared.imaging import Image
from shared.models.config import ModelConfig
from shared.models.engine import Engine
from shared.models.families.family import Findings
from shared.models.model import Model
from shared.settings import nearest
from shared.streams.predictions import Box

MOST_S = 60.0
"""How long it may look at one frame."""
FEWEST_ROWS = 10
"""An output of fewer rows than that is a count or a flag."""


class Finder:
    def __init__(self, privacy: Privacy) -> None:
        """Raises SettingsError."""
        assert privacy.model is not None
        self._model = _loaded(privacy.model, privacy.confidence)
        self._hidden = _class_ids(self._model, privacy.model_classes)
        self._confidence = privacy.confidence
        self._most = _room(self._model)
        self._session = self._model.open_session()

    def find(self, image: Image) -> tuple[list[Box], Counter[str]]:
        """xyxy boxes in the image's pixels, and how many there are of each class. Raises Withheld."""
        findings = self._seen(image)
        which = findings.confidences >= self._confidence
        if self._hidden is not None:
            which &= np.isin(findings.class_ids, self._hidden)
        assert findings.boxes is not None
        boxes: list[Box] = [(left, top, right, bottom) for left, top, right, bottom in findings.boxes[which].tolist()]
        return boxes, Counter(self._model.name_of(one) for one in findings.class_ids[which].tolist())

    def _seen(self, image: Image) -> Findings:
        try:
            prepared = self._model.prepare(image)
            outputs = self._model.run(self._session, [prepared], MOST_S)[0]
            _check_numbers(list(outputs.values()))
            findings = self._model.family.read(outputs, prepared.placement)
        except Withheld:
            raise
        except Exception as error:  # whatever it is, it did not look
            raise Withheld(f"privacy.model failed: {type(error).__name__}: {error}") from error
        self._check(findings)
        return findings

    def _check(self, findings: Findings) -> None:
        if len(findings.sane().class_ids) != len(findings.class_ids):
            raise Withheld("privacy.model found boxes that are none")
        if len(findings.class_ids) >= self._most:
            raise Withheld(f"privacy.model found {len(findings.class_ids)} boxes, all it can say: there may be more")


def _loaded(path: Path, confidence: float) -> Model:
    try:
        model = Model(ModelConfig(path=path, threshold=confidence, lowest_confidence=confidence), Engine())
    except SettingsError as error:
        raise SettingsError(f"privacy.model: {str(error).removeprefix('model.path: ')}") from error
    if model.task == "classify":
        raise SettingsError(
            f"privacy.model: expected a detector, got {path}, which says what a picture shows, not where"
        )
    return model


def _class_ids(model: Model, names: Sequence[str]) -> list[int] | None:
    """None: all of them. A name that the model has twice stands for both."""
    for name in names:
        if name not in model.names:
            raise SettingsError(f"privacy.model_classes: no class {name!r} in the model{nearest(name, model.names)}")
    return [number for number, name in enumerate(model.names) if name in names] if names else None


def _room(model: Model) -> int:
    """How many findings the model can say: what is carried of a frame, or the rows of an output that has its own number."""
    rows = [_rows(one.shape) for one in model.family.signature.outputs]
    return min([model.family.most, *(count for count in rows if count >= FEWEST_ROWS)])


def _rows(shape: Sequence[int | str | None]) -> int:
    """Of [batch, rows] or [batch, rows, numbers of each]; 0 where it is free, or something else."""
    count, *rest = shape[1:] if len(shape) in (2, 3) else (0,)
    numbers = rest[0] if rest else 1
    return count if isinstance(count, int) and isinstance(numbers, int) and count > numbers else 0


def _check_numbers(outputs: Sequence[NDArray[Any]]) -> None:
    """Families leave out what is no number, as if nothing had been there."""
    if any(array.dtype.kind == "f" and np.isnan(array).any() for array in outputs):
        raise Withheld("privacy.model answered with numbers that are none")
