"""A prediction per frame in the frames' order, dead letters for what is no image, silence where the producer predicts."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.inference.batching import Lanes
from services.inference.config import InferenceConfig, InferenceOptions
from services.inference.plan import Plan
from services.inference.service import InferenceService
from services.inference.swapping import Loaded
from shared.adapters.embedded.file_objects import FileObjects
from shared.errors import InvalidImage, Unavailable
from shared.imaging import encode_jpeg
from shared.models.config import ModelConfig
from shared.models.model import Model
from shared.runtime.clock import SystemClock
from shared.runtime.pixels import FramePixels
from shared.runtime.service import Handled, Received
from shared.settings import ReferencesConfig
from shared.streams.frames import FRAMES
from shared.streams.predictions import PREDICTIONS, Prediction
from shared.streams.record import Headers, Record
from shared.streams.references import Reference
from tests.unit.shared.models.built_models import classifier, detector, picture


def received(image: bytes, offset: int, headers: Headers = (), partition: int = 3) -> Received:
    record = Record(FRAMES.name, partition, offset, 1_700_000_000_000 + offset, b"gate", image, headers)
    return Received(record, FRAMES.decode(record))


def frame(seed: int, size_px: tuple[int, int] = (320, 240), headers: Headers = ()) -> Received:
    return received(encode_jpeg(picture(*size_px, seed)), seed, headers)


def predictions(handled: Handled) -> list[Prediction]:
    return [Prediction.model_validate_json(new.value or b"") for new in handled.outputs]


def service_of(path: Path, inference: dict[str, Any] | None = None, **model: Any) -> InferenceService:
    return InferenceService(
        InferenceConfig.model_validate({"model": {"path": path, **model}, "inference": inference or {}})
    )


def through(service: InferenceService, batch: Sequence[Received]) -> Handled:
    """The batch, and whatever else is in flight, to its end."""
    return drained(service, service.handle(batch))


def drained(service: InferenceService, handled: Handled) -> Handled:
    until_s = time.monotonic() + 30
    while service.poll_timeout_s() < 0.1:
        assert time.monotonic() < until_s, "frames stay in flight"
        more = service.handle([])
        handled.outputs += more.outputs
        handled.dead += more.dead
    return handled


@pytest.fixture
def service(tmp_path: Path) -> Iterator[InferenceService]:
    service = service_of(detector(tmp_path / "gate.onnx"), class_thresholds={"cart": 0.3})
    yield service
    service.close()


def test_a_prediction_says_everything_about_its_frame(service: InferenceService) -> None:
    known: Headers = (("producer_frame_id", b"f-7"), ("captured_at", b"2026-11-01T10:00:00Z"), ("frame_index", b"7"))
    one = frame(7, headers=known)
    handled = through(service, [one])
    (prediction,) = predictions(handled)
    assert prediction.frame == one.message.ref
    assert (prediction.source_id, prediction.producer_frame_id, prediction.frame_index) == ("gate", "f-7", 7)
    assert prediction.captured_at == "2026-11-01T10:00:00Z"
    assert (prediction.content_type, prediction.width_px, prediction.height_px) == ("image/jpeg", 320, 240)
    assert (prediction.model_id, prediction.task, prediction.threshold) == ("gate", "detect", 0.5)
    assert prediction.class_thresholds == {"cart": 0.3}
    assert set(prediction.timings_ms) == {"decode", "preprocess", "run", "postprocess"}
    (new,) = handled.outputs
    assert (new.stream, new.partition, new.key) == (PREDICTIONS.name, 3, b"gate")


def test_weak_boxes_are_carried_the_surest_first(service: InferenceService) -> None:
    (prediction,) = predictions(through(service, [frame(1)]))
    confidences = [detection.confidence for detection in prediction.detections]
    assert confidences == sorted(confidences, reverse=True)
    assert 0.05 < confidences[-1] < 0.5
    assert all(0 <= d.box[0] <= d.box[2] <= 320 and 0 <= d.box[1] <= d.box[3] <= 240 for d in prediction.detections)


def test_boxes_below_the_product_threshold_of_their_class_are_marked(service: InferenceService) -> None:
    detections = [
        box for one in predictions(through(service, [frame(seed) for seed in range(4)])) for box in one.detections
    ]
    assert all(box.weak == (box.confidence < (0.3 if box.class_name == "cart" else 0.5)) for box in detections)
    assert {box.weak for box in detections} == {True, False}
    assert any(0.3 <= box.confidence < 0.5 for box in detections)


def test_predictions_keep_the_frames_order_across_lanes_and_sizes(service: InferenceService) -> None:
    batch = [frame(seed, size_px=(200 + 40 * (seed % 3), 240)) for seed in range(11)]
    seen = predictions(through(service, batch))
    assert [one.frame.offset for one in seen] == list(range(11))
    assert [one.width_px for one in seen] == [200 + 40 * (seed % 3) for seed in range(11)]


@pytest.mark.parametrize(
    "bad",
    [b"no image at all", encode_jpeg(picture(320, 240))[:-500], b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"\xff\xd8\xff"],
)
def test_what_is_no_image_dies_alone(service: InferenceService, bad: bytes) -> None:
    handled = through(service, [frame(0), received(bad, 1), frame(2)])
    assert [one.frame.offset for one in predictions(handled)] == [0, 2]
    ((record, why),) = handled.dead
    assert record.offset == 1
    assert isinstance(why, InvalidImage)


def test_frames_that_their_producer_predicts_are_left_alone(service: InferenceService) -> None:
    handled = through(service, [frame(0), frame(1, headers=(("predicted_by", b"theirs"),))])
    assert [one.frame.offset for one in predictions(handled)] == [0]
    assert not handled.dead


def test_an_empty_batch_is_no_work(service: InferenceService) -> None:
    assert through(service, []) == Handled(records=0)


def test_a_frame_that_is_redelivered_is_predicted_the_same(service: InferenceService) -> None:
    first, second = (
        predictions(through(service, [frame(5)]))[0].model_copy(update={"timings_ms": {}}) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("options", [{"free": True}, {"batch": 4}, {"batch": "batch"}, {"half": True}])
@pytest.mark.parametrize("inference", [{"lanes": 1}, {"lanes": 3, "batch_size": 2}])
def test_every_kind_of_axis_sees_the_same(tmp_path: Path, options: dict[str, Any], inference: dict[str, Any]) -> None:
    batch = [frame(seed) for seed in range(5)]
    service = service_of(detector(tmp_path / "model.onnx", **options), inference)
    seen = predictions(through(service, batch))
    alone = [predictions(through(service, [one]))[0] for one in batch]
    service.close()
    for one, other in zip(seen, alone, strict=True):
        assert len(one.detections) > 0
        assert np.allclose([d.box for d in one.detections], [d.box for d in other.detections], atol=0.05)


def test_a_classifier_gives_its_best_classes(tmp_path: Path) -> None:
    service = service_of(classifier(tmp_path / "kind.onnx"))
    (prediction,) = predictions(through(service, [frame(1)]))
    service.close()
    assert prediction.task == "classify"
    assert not prediction.detections
    assert sum(one.confidence for one in prediction.classes) == pytest.approx(1, abs=1e-4)
    assert [one.confidence for one in prediction.classes] == sorted(
        (c.confidence for c in prediction.classes), reverse=True
    )


# in flight --------------------------------------------------------------------------------------------------------------


def test_what_is_in_flight_is_not_committed(service: InferenceService) -> None:
    batch = [frame(seed) for seed in range(5)]
    handled = service.handle(batch)
    first_inside = service.committable(("frames", 3), 5)
    assert first_inside == len(handled.outputs)
    drained(service, handled)
    assert service.committable(("frames", 3), 5) == 5
    assert service.committable(("frames", 0), 7) == 7


def test_a_partition_that_is_taken_away_is_forgotten(service: InferenceService) -> None:
    mine, theirs = (
        [received(encode_jpeg(picture(320, 240, at)), at, partition=3 + at % 2) for at in range(20)],
        ("frames", 4),
    )
    handled = service.handle(mine)
    service.on_revoked(frozenset({theirs}))
    assert service.committable(theirs, 9) == 9
    out = [one.frame.offset for one in predictions(drained(service, handled)) if one.frame.partition == 3]
    assert out == list(range(0, 20, 2))
    service.on_assigned(frozenset({theirs}))
    again = predictions(through(service, [one for one in mine if one.record.source == theirs]))
    assert [one.frame.offset for one in again] == list(range(1, 20, 2))


def test_more_frames_than_may_fly_come_out_batch_by_batch(tmp_path: Path) -> None:
    service = service_of(detector(tmp_path / "model.onnx"), {"max_records": 4, "lanes": 1})
    handled = Handled()
    for start in range(0, 24, 4):
        some = service.handle([frame(seed) for seed in range(start, start + 4)])
        handled.outputs += some.outputs
        assert len(handled.outputs) >= start - 4
    assert [one.frame.offset for one in predictions(drained(service, handled))] == list(range(24))
    service.close()


# another version ---------------------------------------------------------------------------------------------------------


class Versions:
    """One after the other, when the test says so."""

    why = "nothing was released yet"

    def __init__(self, *paths: Path) -> None:
        plan = Plan.of(InferenceOptions(lanes=2))
        models = [Model(ModelConfig(path=path, id="gate"), plan.engine) for path in paths]
        self.loaded = [Loaded(model, Lanes(model, plan)) for model in models]
        self.now: int | None = None

    def current(self) -> Loaded | None:
        return None if self.now is None else self.loaded[self.now]

    def close(self) -> None:
        for one in self.loaded:
            one.lanes.close()


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(detector(tmp_path / "old.onnx"), detector(tmp_path / "new.onnx", width=12))


def test_another_version_takes_the_new_frames_and_the_old_one_ends_its_own(versions: Versions) -> None:
    service = InferenceService(InferenceConfig(model=ModelConfig(id="gate")), versions=versions)
    versions.now = 0
    handled = service.handle([frame(seed) for seed in range(12)])
    versions.now = 1
    handled.outputs += service.handle([frame(seed) for seed in range(12, 24)]).outputs
    seen = predictions(drained(service, handled))
    old, new = (one.model.version for one in versions.loaded)
    assert [one.frame.offset for one in seen] == list(range(24))
    assert [one.model_version for one in seen] == [old] * 12 + [new] * 12
    with pytest.raises(CancelledError):
        versions.loaded[0].lanes.submit(encode_jpeg(picture(320, 240))).result()
    service.close()


def test_while_there_is_no_version_frames_wait(versions: Versions) -> None:
    service = InferenceService(InferenceConfig(model=ModelConfig(id="gate")), versions=versions)
    with pytest.raises(Unavailable, match=r"model store.*nothing was released yet"):
        service.handle([frame(0)])
    assert service.committable(("frames", 3), 0) == 0
    versions.now = 0
    assert len(predictions(through(service, [frame(0)]))) == 1
    service.close()


# references --------------------------------------------------------------------------------------------------------------


def referred(image: bytes, offset: int, key: str) -> Received:
    reference = Reference(uri=f"s3://yard/{key}", size=len(image), sha256=hashlib.sha256(image).hexdigest())
    return received(reference.to_bytes(), offset)


def test_referenced_images_are_predicted_in_order_beside_the_others(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path / "objects")
    images = [encode_jpeg(picture(320, 240, seed)) for seed in range(6)]
    for seed in range(0, 6, 2):
        objects.put("yard", f"{seed}.jpg", images[seed], "image/jpeg")
    batch = [referred(images[at], at, f"{at}.jpg") if at % 2 == 0 else received(images[at], at) for at in range(6)]
    batch.append(referred(images[0], 6, "never-put.jpg"))
    service = with_objects(tmp_path, objects)
    handled = through(service, batch)
    service.close()
    assert [one.frame.offset for one in predictions(handled)] == list(range(6))
    assert {one.content_type for one in predictions(handled)} == {"image/jpeg"}
    ((dead, why),) = handled.dead
    assert dead.offset == 6
    assert "never-put.jpg is not there" in str(why)


def test_a_store_that_is_away_loses_nothing(tmp_path: Path) -> None:
    """There is no bucket yet, which is an outage; the batch that meets it is handed in again."""
    image, objects = encode_jpeg(picture(320, 240)), FileObjects(tmp_path / "objects")
    service = with_objects(tmp_path, objects)
    handled = service.handle([received(image, 0), referred(image, 1, "one.jpg"), received(image, 2)])
    later = [received(image, 3)]
    with pytest.raises(Unavailable, match="object store"):
        until_raised(service, handled)
    with pytest.raises(Unavailable, match="object store"):
        service.handle(later)
    assert service.committable(("frames", 3), 4) == len(handled.outputs)
    objects.put("yard", "one.jpg", image, "image/jpeg")
    handled.outputs += service.handle(later).outputs
    assert [one.frame.offset for one in predictions(drained(service, handled))] == [0, 1, 2, 3]
    service.close()


def with_objects(folder: Path, objects: FileObjects) -> InferenceService:
    pixels = FramePixels(objects, ReferencesConfig(buckets=("yard",), wait_s=0), SystemClock())
    return InferenceService(InferenceConfig(model=ModelConfig(path=detector(folder / "gate.onnx"))), pixels)


def until_raised(service: InferenceService, handled: Handled) -> None:
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        handled.outputs += service.handle([]).outputs


# no model, and late frames -----------------------------------------------------------------------------------------------


def test_without_a_model_frames_pass_with_empty_predictions() -> None:
    service = InferenceService(InferenceConfig.model_validate({"model": "none"}))
    handled = through(service, [frame(0), received(b"no image", 1), frame(2, size_px=(64, 48))])
    first, second = predictions(handled)
    assert (first.model_id, first.model_version, first.task) == ("none", "none", "detect")
    assert (second.width_px, second.height_px, second.detections, second.classes) == (64, 48, (), ())
    assert [record.offset for record, _ in handled.dead] == [1]
    service.close()


def test_frames_past_their_age_are_skipped_and_committed(tmp_path: Path) -> None:
    service = service_of(detector(tmp_path / "model.onnx"), {"max_age_s": 60})
    handled = through(service, [frame(seed) for seed in range(3)])  # logged in 2023
    assert (handled.outputs, handled.dead, handled.records) == ([], [], 3)
    assert service.committable(("frames", 3), 3) == 3
    service.close()
