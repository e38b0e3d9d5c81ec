"""Samples made for tests: a valid design or revision from a few words, with an image of its own in the buffer."""

import hashlib
from typing import Any

import cv2
import numpy as np

from shared.ports.images import Images
from shared.streams import ids, keys
from shared.streams.frames import FrameRef
from shared.streams.predictions import Box, Detection, Prediction
from shared.streams.record import Record
from shared.streams.samples import BufferedImage, Design, Effect, Reason, Revision, Sample
from shared.streams.verdicts import Label, RejectReason, Verdict, VerdictKind

BOXES = (
    Detection(box=(10, 20, 50, 60), class_id=0, class_name="cup", confidence=0.9),
    Detection(box=(60, 5, 90, 45), class_id=2, class_name="plate", confidence=0.55),
    Detection(box=(1, 1, 9, 9), class_id=0, class_name="cup", confidence=0.2),
)
TIME_MS = 1_790_000_000_000


def jpeg(number: int = 0, width_px: int = 96, height_px: int = 64) -> bytes:
    """A small picture, another one for each number."""
    pixels = np.random.default_rng(number).integers(0, 255, (height_px // 8, width_px // 8, 3), dtype=np.uint8)
    encoded: bytes = cv2.imencode(".jpg", cv2.resize(pixels, (width_px, height_px)))[1].tobytes()
    return encoded


def prediction(number: int = 0, partition: int = 0, **changes: Any) -> Prediction:
    image = jpeg(number)
    sha256 = hashlib.sha256(image).hexdigest()
    known: dict[str, Any] = {
        "frame": FrameRef(
            stream="frames",
            partition=partition,
            offset=number,
            time_ms=TIME_MS + number,
            frame_id=ids.make_id("frame", str(number)),
            sha256=sha256,
            size=len(image),
        ),
        "source_id": "door",
        "width_px": 96,
        "height_px": 64,
        "model_id": "kitchen",
        "model_version": "3",
        "threshold": 0.5,
        "detections": BOXES,
    }
    return Prediction(**{**known, **changes})


def _buffered(sample_id: str, seen: Prediction) -> BufferedImage:
    frame = seen.frame
    return keys.buffered_image(
        "default", sample_id, time_ms=frame.time_ms, content_type="image/jpeg", sha256=frame.sha256, size=frame.size
    )


def _common(seen: Prediction, destinations: tuple[str, ...], missing: str | None) -> dict[str, Any]:
    sample_id = ids.sample_id("default", seen.frame.frame_id, seen.model_id)
    return {
        "sample_id": sample_id,
        "collection": "default",
        "prediction_id": ids.prediction_id(seen.frame.partition, seen.frame.offset, seen.frame.frame_id),
        "prediction": seen,
        "destinations": destinations,
        "image": None if missing else _buffered(sample_id, seen),
        "missing": missing,
        "settings_version": "test",
    }


def design(
    number: int = 0,
    destinations: tuple[str, ...] = ("dataset",),
    strategy: str = "random",
    missing: str | None = None,
    seen: Prediction | None = None,
) -> Design:
    seen = seen or prediction(number)
    return Design(
        **_common(seen, destinations, missing),
        reasons=(Reason(strategy=strategy, rule=f"{strategy} (1 in 100)", probability=0.01),),
        probabilities={strategy: 0.01},
        probability=0.01,
        salt_fingerprint="00000000",
    )


def revision(
    number: int = 0,
    effect: Effect = "remove",
    index: int | None = 0,
    destinations: tuple[str, ...] = ("dataset",),
    missing: str | None = None,
    key: str = "once",
    boxes: tuple[Box, ...] = (),
    reason: RejectReason | None = None,
    label: Label | None = None,
    labels: tuple[Label, ...] | None = None,
    seen: Prediction | None = None,
) -> Revision:
    seen = seen or prediction(number)
    kinds: dict[str, VerdictKind] = {"verify": "confirmed", "flag_incomplete": "missed", "replace": "corrected"}
    kind = kinds.get(effect, "rejected")
    usual: RejectReason = "false_positive" if effect == "remove" else "wrong_class"
    judged = Verdict(
        verdict_id=ids.verdict_id("test", f"{number}/{effect}/{index}/{key}"),
        prediction_id="0-0-00000000",
        prediction=seen,
        kind=kind,
        reason=(reason or usual) if kind == "rejected" else None,
        detection_index=index,
        boxes=boxes,
        label=label,
        labels=labels,
        caller="test",
        judged_at="2026-11-22T12:00:00Z",
    )
    return Revision(**_common(seen, destinations, missing), verdict=judged, effect=effect)


def put_image(images: Images, sample: Sample) -> None:
    """What the sampler does before it publishes a sample."""
    if sample.image is None:
        return
    images.put(sample.image.key, jpeg(sample.prediction.frame.offset), sample.image.content_type)
    images.put(sample.image.preview_key, b"a preview", "image/jpeg")
    images.put(sample.image.sidecar_key, b"{}", "application/json")


def record_of(sample: Sample, offset: int, partition: int = 0) -> Record:
    return Record("samples", partition, offset, TIME_MS + offset, sample.sample_id.encode(), sample.to_bytes())
