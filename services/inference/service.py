"""One batch of frames in, a prediction for each out, in the frames' order; what is no image becomes a dead letter.

Promises: the log is the only thing touched. The same frames give the same predictions, timings apart.
"""

from collections.abc import Sequence

from services.inference.batching import Lanes, Seen
from services.inference.config import InferenceConfig
from services.inference.models.engine import Plan
from services.inference.models.family import Findings
from services.inference.models.model import Model
from shared.errors import InvalidImage
from shared.imaging import sniff
from shared.runtime.service import Handled, Received, Service
from shared.streams.frames import FRAMES, Frame
from shared.streams.predictions import ClassScore, Detection, Prediction, new_prediction


class InferenceService(Service):
    """frames → predictions. Raises SettingsError when the model cannot work."""

    name = "inference"
    reads = (FRAMES.name,)

    def __init__(self, config: InferenceConfig) -> None:
        self.max_records = config.inference.max_records
        assert config.model is not None
        self._settings = config.model
        plan = Plan.of(config.inference)
        self._model = Model(config.model, plan.engine)
        self._lanes = Lanes(self._model, plan.lanes, plan.batch_size)

    def handle(self, batch: Sequence[Received]) -> Handled:
        ours = [one for one in batch if one.message.predicted_by is None]
        handled = Handled()
        for one, outcome in zip(ours, self._lanes.predict([one.message.image for one in ours]), strict=True):
            if isinstance(outcome, InvalidImage):
                handled.dead.append((one.record, outcome))
            else:
                handled.outputs.append(new_prediction(self._prediction(one.message, outcome)))
        return handled

    def close(self) -> None:
        self._lanes.close()

    def _prediction(self, frame: Frame, seen: Seen) -> Prediction:
        return Prediction(
            frame=frame.ref,
            source_id=frame.source_id,
            producer_frame_id=frame.producer_frame_id,
            captured_at=frame.captured_at,
            frame_index=frame.frame_index,
            content_type=sniff(frame.image),
            width_px=seen.width_px,
            height_px=seen.height_px,
            model_id=self._model.id,
            model_version=self._model.version,
            task=self._model.task,
            threshold=self._settings.threshold,
            class_thresholds=self._settings.class_thresholds,
            detections=self._detections(seen.findings),
            classes=self._classes(seen.findings),
            timings_ms=seen.timings_ms,
        )

    def _detections(self, findings: Findings) -> tuple[Detection, ...]:
        """A box whose numbers are no numbers is left out: the model says nothing by it."""
        if findings.boxes is None:
            return ()
        rows = zip(findings.boxes.round(3).tolist(), findings.class_ids.tolist(), _shares(findings), strict=True)
        return tuple(
            Detection(
                box=(left, top, right, bottom), class_id=kind, class_name=self._model.name_of(kind), confidence=share
            )
            for (left, top, right, bottom), kind, share in rows
            if left <= right and top <= bottom
        )

    def _classes(self, findings: Findings) -> tuple[ClassScore, ...]:
        if findings.boxes is not None:
            return ()
        rows = zip(findings.class_ids.tolist(), _shares(findings), strict=True)
        return tuple(
            ClassScore(class_id=kind, class_name=self._model.name_of(kind), confidence=share) for kind, share in rows
        )


def _shares(findings: Findings) -> list[float]:
    """Confidences as they travel: six digits, at most 1 (half precision rounds past it)."""
    shares: list[float] = findings.confidences.astype(float).clip(0, 1).round(6).tolist()
    return shares
