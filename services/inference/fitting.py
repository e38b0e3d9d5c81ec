"""Fitting: a prediction as the record that travels, without its weakest boxes where all of them would be too many.

Promises: no record is larger than its readers take for its boxes, since they would refuse the whole of it. That boxes were
left out is said, once for each model.
"""

from shared.streams.predictions import MAX_PREDICTION_BYTES, Prediction, new_prediction
from shared.streams.record import NewRecord
from shared.telemetry import logs

SPARE_SHARE = 0.95
"""Boxes differ in length: of what would fit on average, so many are tried."""


def record_of(prediction: Prediction) -> NewRecord:
    """`prediction` has its surest boxes first."""
    record = new_prediction(prediction)
    while (size := len(record.value or b"")) > MAX_PREDICTION_BYTES and prediction.detections:
        fitting = int(SPARE_SHARE * MAX_PREDICTION_BYTES / size * len(prediction.detections))
        _say_once(prediction.model_id, len(prediction.detections), fitting)
        prediction = prediction.model_copy(update={"detections": prediction.detections[:fitting]})
        record = new_prediction(prediction)
    return record


_said: set[str] = set()


def _say_once(model_id: str, found: int, kept: int) -> None:
    if model_id not in _said:
        _said.add(model_id)
        logs.get(service="inference").warning("prediction.cut", model_id=model_id, found=found, kept=kept)
