"""A sampler's world in a folder, on the embedded adapters: frames, predictions of them, and samplers that come and go."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.sampler.config import SamplerConfig
from services.sampler.limit_options import Limit
from services.sampler.service import SamplerService
from services.sampler.strategies.random_fraction import RandomFraction
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.file_objects import FileObjects
from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.bootstrap import OpenBackend
from shared.runtime.clock import SystemClock
from shared.runtime.service import Received
from shared.settings import Common, ReferencesConfig
from shared.streams import STREAMS, frames, predictions, samples
from shared.streams.predictions import Prediction
from shared.streams.record import NewRecord, Record
from shared.streams.references import Reference
from shared.streams.samples import Sample
from shared.streams.verdicts import Verdict
from tests.unit.services.sampler.making import SALT, frame, jpeg, prediction

EVERYTHING = RandomFraction(fraction=1.0)


@dataclass
class Bench:
    """`sampler()` is a new process on the world."""

    log: SegmentLog
    state: SqliteState
    images: FileImages
    objects: FileObjects
    folder: Path

    @classmethod
    def at(cls, folder: Path) -> "Bench":
        log = SegmentLog(folder / "log")
        log.apply()
        state, images = SqliteState(folder / "state.db"), FileImages(folder / "images")
        return cls(log, state, images, FileObjects(folder / "objects"), folder)

    def close(self) -> None:
        self.log.close()
        self.state.close()
        self.images.close()

    def sampler(self, *strategies: Any, limits: tuple[Limit, ...] = (), **more: Any) -> SamplerService:
        given = {"strategies": strategies or (EVERYTHING,), "limits": limits, "destinations": ("dataset",), **more}
        return SamplerService(SamplerConfig.model_validate(given), self.backend())

    def backend(self) -> OpenBackend:
        common = Common(references=ReferencesConfig(buckets=("cameras",)))
        clock = SystemClock()
        return OpenBackend(common, self.log, self.state, self.images, self.objects, clock, SALT, "settings-1")

    def frame(self, seed: int, source_id: str = "door", **more: Any) -> Received:
        """A published frame, and a prediction of it as the log would hold it."""
        return self.predicted(self.sent(frame(seed, source_id)), **more)

    def referenced(self, seed: int, bucket: str = "cameras", **changes: Any) -> Received:
        """The same by reference, with the object in its bucket."""
        self.objects.put(bucket, f"{seed}.jpg", jpeg(seed), "image/jpeg")
        described = {"size": len(jpeg(seed)), "sha256": hashlib.sha256(jpeg(seed)).hexdigest(), **changes}
        reference = Reference(uri=f"s3://{bucket}/{seed}.jpg", **described)
        return self.predicted(self.sent(frames.new_frame("door", reference, producer_frame_id=f"frame-{seed}")))

    def sent(self, new: NewRecord) -> Record:
        producer = self.log.producer()
        record = producer.send(new).result(5)
        producer.close()
        return record

    def predicted(self, record: Record, **more: Any) -> Received:
        seen = frames.decode(record)
        fields = {"frame_index": seen.frame_index, "source_id": seen.source_id, **more}
        made = prediction(0.9, **fields).model_copy(update={"frame": seen.ref})
        value = predictions.new_prediction(made)
        at = Record("predictions", 0, seen.ref.offset, record.time_ms, value.key, value.value)
        return Received(at, STREAMS["predictions"].decode(at))


def published(sampler: SamplerService, batch: Sequence[Received]) -> list[Sample]:
    """The samples that come of a batch that goes through."""
    handled = sampler.handle(batch)
    sampler.confirmed()
    return [
        samples.decode(Record(new.stream, new.partition or 0, i, 0, new.key, new.value))
        for i, new in enumerate(handled.outputs)
        if new.stream == "samples"
    ]


def verdict(
    received: Received, kind: str = "rejected", reason: str | None = "false_positive", name: str = "v1"
) -> Received:
    """A person's word on a prediction."""
    judged: Prediction = received.message
    made = Verdict.model_validate(
        {
            "verdict_id": name,
            "prediction_id": predictions.prediction_id(received.record, judged),
            "prediction": judged,
            "kind": kind,
            "reason": reason,
            "detection_index": None if kind == "missed" else 0,
            "caller": "app",
            "judged_at": "2026-11-22T12:00:00Z",
        }
    )
    return Received(Record("verdicts", 0, 0, 0, b"", made.to_bytes()), made)
