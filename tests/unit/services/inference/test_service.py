"""A prediction per frame in the frames' order, dead letters for what is no image, silence where the producer predicts."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.inference.config import InferenceConfig
from services.inference.service import InferenceService
from shared.errors import InvalidImage
from shared.imaging import encode_jpeg
from shared.runtime.service import Handled, Received
from shared.streams.frames import FRAMES
from shared.streams.predictions import PREDICTIONS, Prediction
from shared.streams.record import Headers, Record
from tests.unit.services.inference.built_models import classifier, detector, picture


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
    assert through(service, []) == Handled()


def test_a_frame_that_is_redelivered_is_predicted_the_same(service: InferenceService) -> None:
    first, second = (predictions(through(service, [frame(5)]))[0].model_copy(update={"timings_ms": {}}) for _ in range(2))
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
