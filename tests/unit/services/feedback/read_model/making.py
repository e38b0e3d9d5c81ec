"""A site's streams on the embedded log, written as sampler, feedback and uploader write them, and a read model of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.feedback.accuracy.review import Window
from services.feedback.read_model import ReadModel
from shared.adapters.embedded.segment_log import SegmentLog
from shared.runtime.clock import SystemClock
from shared.streams import ids
from shared.streams.frames import FrameRef
from shared.streams.keys import buffered_image
from shared.streams.predictions import Detection, Prediction, new_prediction
from shared.streams.record import NewRecord, Record
from shared.streams.samples import Design, Effect, Neighbour, Reason, Revision, new_sample
from shared.streams.tallies import MINUTE_MS, Chain, new_tally
from shared.streams.uploads import Outcome, Receipt, new_receipt
from shared.streams.verdicts import Shown, Silence, Verdict, new_shown, new_verdict

SALT = b"a salt of at least sixteen bytes"
START_MS = 1_764_547_200_000  # 2025-12-01T00:00Z
PARTITIONS = 2
ALWAYS = Window("kitchen", "1", 0, 2**62)
WAIT_S = 30.0
SILENCE = Silence(
    exposure_id="e",
    deadline_ms=1,
    weight=0.6,
    p_correct=0.8,
    p=0.8,
    reject_rate=0.0,
    audited_errors=0,
    probability=0.01,
)


class Streams:
    """`now_ms` is what the log believes the time to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = START_MS
        self._open()
        self.chains = {number: Chain(number) for number in range(PARTITIONS)}
        self.frames = 0

    def _open(self) -> None:
        self.log = SegmentLog(self.folder / "log", partitions=PARTITIONS, now_ms=lambda: self.now_ms)
        self.log.apply()
        self.producer = self.log.producer()

    def send(self, record: NewRecord) -> Record:
        return self.producer.send(record).result(timeout=10)

    def send_all(self, records: list[NewRecord]) -> None:
        for sent in [self.producer.send(record) for record in records]:
            sent.result(timeout=30)

    def predict(self, minute: float = 0.0, **changes: Any) -> tuple[str, Prediction]:
        """(id, prediction) of the next frame, counted as the sampler counts it."""
        prediction = self.prediction(minute, **changes)
        record = self.send(new_prediction(prediction))
        finished = self.chains[record.partition].meet(record.offset, prediction)
        if finished is not None:
            self.send(new_tally(finished))
        return ids.prediction_id(record.partition, record.offset, prediction.frame.frame_id), prediction

    def prediction(self, minute: float = 0.0, partition: int | None = None, **changes: Any) -> Prediction:
        self.frames += 1
        self.now_ms = max(self.now_ms, START_MS + round(minute * MINUTE_MS))  # no frame lies ahead of its log
        fields: dict[str, Any] = {
            "frame": FrameRef(
                stream="frames",
                partition=self.frames % PARTITIONS if partition is None else partition,
                offset=self.frames,
                time_ms=START_MS + round(minute * MINUTE_MS),
                frame_id=f"frame-{self.frames}",
                sha256="0" * 64,
                size=1000,
            ),
            "source_id": "door",
            "width_px": 640,
            "height_px": 480,
            "model_id": "kitchen",
            "model_version": "1",
            "threshold": 0.5,
            "detections": (
                Detection(box=(10, 10, 90, 90), class_id=0, class_name="cup", confidence=0.9),
                Detection(box=(100, 10, 190, 90), class_id=1, class_name="plate", confidence=0.3),
            ),
        }
        return Prediction(**{**fields, **changes})

    def tell(self) -> None:
        """What was counted so far becomes tallies."""
        open_ones = [tally for chain in self.chains.values() if (tally := chain.tally()) is not None]
        self.send_all([new_tally(tally, finished=False) for tally in open_ones])

    def draw(self, minute: float = 0.0, **changes: Any) -> Design:
        """A design of a new frame."""
        made = {name: changes.pop(name) for name in list(changes) if name in Prediction.model_fields}
        prediction_id, prediction = self.predict(minute, **made)
        design = design_of(prediction, prediction_id, **changes)
        self.send(new_sample(design))
        return design

    def judge(self, prediction: Prediction, kind: Any, **changes: Any) -> Verdict:
        verdict = verdict_of(prediction, kind, **changes)
        self.send(new_verdict(verdict))
        return verdict

    def revise(self, verdict: Verdict, effect: Effect = "verify") -> None:
        self.send(new_sample(revision_of(verdict, effect)))

    def neighbour(self, beside: Design, prediction: Prediction) -> None:
        self.send(new_sample(neighbour_of(beside, prediction)))

    def show(self, prediction: Prediction, exposure_id: str) -> None:
        self.send(new_shown(shown_of(prediction, exposure_id)))

    def upload(self, design: Design, outcome: Outcome) -> None:
        self.send(new_receipt(receipt_of(design, outcome), design.prediction.frame.partition))

    @contextmanager
    def model(self, name: str = "model.db", wait_s: float = WAIT_S, **options: Any) -> Iterator[ReadModel]:
        """A read model that has read everything."""
        model = ReadModel(self.folder / name, self.log, SystemClock(), SALT, **{"interval_s": 0.02, **options})
        model.start()
        try:
            assert model.caught_up(wait_s)
            yield model
        finally:
            model.close()

    def close(self) -> None:
        self.producer.close()
        self.log.close()


def design_of(prediction: Prediction, prediction_id: str, **changes: Any) -> Design:
    collection = changes.get("collection", "default")
    sample_id = ids.sample_id(collection, prediction.frame.frame_id, prediction.model_id)
    image = buffered_image(
        collection, sample_id, time_ms=prediction.frame.time_ms, content_type="image/jpeg", sha256="0" * 64, size=1000
    )
    strategy = changes.pop("strategy", "random")
    probabilities = {"random": 0.1, "uncertain": 0.5}
    fields: dict[str, Any] = {
        "sample_id": sample_id,
        "collection": collection,
        "prediction_id": prediction_id,
        "prediction": prediction,
        "destinations": ("dataset",),
        "image": None if changes.get("missing") else image,
        "settings_version": "test",
        "reasons": (Reason(strategy=strategy, rule=f"by {strategy}", probability=probabilities.get(strategy, 0.5)),),
        "probabilities": probabilities,
        "probability": ids.union(probabilities.values()),
        "floor": ("random",),
        "salt_fingerprint": "test",
    }
    return Design(**{**fields, **changes})


def verdict_of(prediction: Prediction, kind: Any, **changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "verdict_id": changes.pop("verdict_id", ids.make_id("verdict", prediction.frame.frame_id, kind, str(changes))),
        "prediction_id": "0-0-00000000",
        "prediction": prediction,
        "kind": kind,
        "reason": "false_positive" if kind == "rejected" else None,
        "silence": SILENCE if kind == "affirmed" else None,
        "caller": "app",
        "judged_at": "2025-12-01T00:00:00Z",
    }
    return Verdict(**{**fields, **changes})


def revision_of(verdict: Verdict, effect: Effect) -> Revision:
    base = design_of(verdict.prediction, verdict.prediction_id)
    fields = {name: getattr(base, name) for name in Revision.model_fields if name in Design.model_fields}
    return Revision(**{**fields, "kind": "revision"}, verdict=verdict, effect=effect)


def neighbour_of(beside: Design, prediction: Prediction) -> Neighbour:
    base = design_of(prediction, "0-0-00000000", destinations=("dataset", "archive"))
    fields = {name: getattr(base, name) for name in Neighbour.model_fields if name in Design.model_fields}
    return Neighbour(**{**fields, "kind": "neighbour"}, of=beside.sample_id, after_ms=200)


def shown_of(prediction: Prediction, exposure_id: str) -> Shown:
    return Shown(
        exposure_id=exposure_id,
        prediction_id="0-0-00000000",
        frame_id=prediction.frame.frame_id,
        partition=prediction.frame.partition,
        source_id=prediction.source_id,
        model_id=prediction.model_id,
        model_version=prediction.model_version,
        visible_ms=900,
        surface="door-app",
        caller="app",
        objection_s=86_400,
        probability=0.01,
    )


def receipt_of(sample: Design, outcome: Outcome) -> Receipt:
    return Receipt(
        sample_id=sample.sample_id,
        destination="dataset",
        outcome=outcome,
        host_id="host-7",
        delivered_at="2025-12-01T00:00:00Z",
    )
