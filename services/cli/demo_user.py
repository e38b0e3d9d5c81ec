"""The demo's people: users of an application who look at some predictions and say when one is wrong.

Promises: they see only what the application shows (detections at or above the product threshold), look at one frame in
`LOOKS_AT_ONE_IN`, and speak through feedback's HTTP API like everybody else.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from shared.streams.predictions import Prediction, prediction_id

if TYPE_CHECKING:
    from deploy.demo.clip import ClipFrame
    from services.cli.through import Flowing

LOOKS_AT_ONE_IN = 12
ENOUGH_OVERLAP = 0.3


def judge(flow: "Flowing", truth: "dict[str, ClipFrame]", api_key: str) -> int:
    """Posts what the users say. Returns how many verdicts the log took."""
    import httpx

    headers = {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=flow.running.feedback_url, headers=headers, timeout=30) as client:
        bodies = list(_verdicts(flow, truth))
        bar = flow.bars.add_task("judged", total=len(bodies))
        for body in bodies:
            client.post("/v1/verdicts", json=body).raise_for_status()
            flow.bars.advance(bar)
    return len(bodies)


def _verdicts(flow: "Flowing", truth: "dict[str, ClipFrame]") -> Iterator[dict[str, Any]]:
    from services.cli import kept

    for record, prediction in kept.predictions_of(flow.backend.log):
        frame = truth.get(prediction.producer_frame_id or "")
        if frame is not None and frame.index % LOOKS_AT_ONE_IN == 0:
            opinion = opinion_of(prediction, frame)
            if opinion is not None:
                yield {"prediction_id": prediction_id(record, prediction), "reviewer": "a resident", **opinion}


def opinion_of(prediction: Prediction, frame: "ClipFrame") -> dict[str, Any] | None:
    """What a user says of this prediction: a parcel was missed, a box is none, or it is right. None: nothing to say."""
    parcels = [one.xyxy for kind in ("brown", "yellow") for one in frame.visible(kind)]
    shown = [
        (i, d)
        for i, d in enumerate(prediction.detections)
        if d in prediction.above_threshold() and d.class_name == "package"
    ]
    for box in parcels:
        if not any(overlap(box, one.box) >= ENOUGH_OVERLAP for _, one in shown):
            return {"kind": "missed", "note": "there is a parcel"}
    for index, one in shown:
        if not any(overlap(box, one.box) >= ENOUGH_OVERLAP for box in parcels):
            return {"kind": "rejected", "reason": "false_positive", "detection_index": index}
    return {"kind": "confirmed"} if shown else None


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union of two xyxy boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (area - shared) if area > shared else 0.0
