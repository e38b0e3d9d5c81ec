"""Affirming: the verdict that silence is, when its deadline is over. Pure.

Promises: the same bytes whoever writes it and when: its id, its time and its weight come of the log up to the deadline.
"""

from services.feedback.silence import weight
from services.feedback.silence.audit import TrackRecord
from shared.streams.predictions import Prediction
from shared.streams.stream import rfc3339
from shared.streams.verdicts import Shown, Silence, Verdict, affirmed_id

CALLER = "silence"


def affirmation(collection: str, shown: Shown, deadline_ms: int, record: TrackRecord) -> Verdict:
    """Of a held prediction to which nobody objected until the deadline. `shown`: its first held exposure."""
    prediction = shown.prediction
    if prediction is None:
        raise ValueError(f"expected a held exposure, which carries its prediction; {shown.exposure_id} is none")
    return Verdict(
        verdict_id=affirmed_id(collection, shown.frame_id, shown.model_id),
        prediction_id=shown.prediction_id,
        prediction=prediction,
        kind="affirmed",
        silence=_silence(shown, prediction, deadline_ms, record),
        caller=CALLER,
        judged_at=rfc3339(deadline_ms),
    )


def _silence(shown: Shown, prediction: Prediction, deadline_ms: int, record: TrackRecord) -> Silence:
    rejected, errors = record.as_of(deadline_ms)
    p, r = weight.own_confidence(prediction), weight.reject_rate(rejected, errors)
    p_right = weight.p_correct(p, r)
    return Silence(
        exposure_id=shown.exposure_id,
        deadline_ms=deadline_ms,
        weight=weight.weight(p_right),
        p_correct=p_right,
        p=p,
        reject_rate=r,
        audited_errors=errors,
        probability=shown.probability,
    )
