"""One frame on which a model fails, or says nonsense, or says too much: the others go on, and so does the service."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from services.inference.batching import Lanes, Seen
from services.inference.config import InferenceConfig
from services.inference.fitting import record_of
from services.inference.plan import Plan
from services.inference.service import InferenceService
from services.inference.swapping import Loaded
from shared.errors import InvalidImage
from shared.imaging import encode_jpeg
from shared.models.config import ModelConfig
from shared.models.families.family import Findings
from shared.models.model import Model
from shared.streams.frames import FrameRef
from shared.streams.predictions import MAX_PREDICTION_BYTES, Detection, Prediction
from tests.unit.shared.models.built_models import classifier, detector, picture
from tests.unit.shared.models.test_broken_files import NAMES, always, saved

GREY, WHITE = (encode_jpeg(np.full((64, 64, 3), level, np.uint8)) for level in (114, 250))


@pytest.fixture
def fails_on_white(tmp_path: Path) -> Model:
    """The mean, 0..1, as an index into a table that ends at a half."""
    batch = ["batch", 3, 64, 64]
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["brightest"], keepdims=0),
        helper.make_node("Mul", ["brightest", "two"], ["doubled"]),
        helper.make_node("Cast", ["doubled"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["nothing"], axis=0),
        helper.make_node("ReduceMean", ["images"], ["means"], axes=[1, 2], keepdims=1),
        helper.make_node("Slice", ["means", "from", "to", "axis"], ["one"]),
        helper.make_node("Reshape", ["one", "flat"], ["columns"]),
        helper.make_node("Expand", ["columns", "shape"], ["spread"]),
        helper.make_node("Mul", ["spread", "nothing"], ["output0"]),
    ]
    constants: dict[str, Any] = {
        "two": np.float32(2),
        "table": np.zeros(1, np.float32),
        "from": np.array([0]),
        "to": np.array([1]),
        "axis": np.array([3]),
        "flat": np.array([-1, 1, 1]),
        "shape": np.array([1, 7, 100]),
    }
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 7, "found"])
    path = saved(tmp_path / "best.onnx", nodes, [output], shape=batch, weights=weights, metadata=NAMES)
    return Model(ModelConfig(path=path))


@pytest.mark.parametrize("decode_threads", [0, 2])
def test_the_frames_beside_one_that_fails_are_seen(fails_on_white: Model, decode_threads: int) -> None:
    lanes = Lanes(fails_on_white, Plan(batch_size=3, decode_threads=decode_threads, max_wait_s=0.2))
    before, bad, after = lanes.predict([GREY, WHITE, GREY])
    lanes.close()
    assert isinstance(bad, InvalidImage)
    assert "cannot be run through the model" in str(bad)
    assert isinstance(before, Seen)
    assert isinstance(after, Seen)


def test_where_a_blank_image_fails_too_no_frame_is_blamed(
    fails_on_white: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that is lost: the process ends, and another one gets the frame."""
    white = np.full((64, 64, 3), 250, np.uint8)
    monkeypatch.setattr(fails_on_white, "blank", lambda: white)
    lanes = Lanes(fails_on_white, Plan())
    why = lanes.submit(WHITE).exception(timeout=10)
    lanes.close()
    assert why is not None
    assert not isinstance(why, InvalidImage)


def test_a_free_batch_that_the_graph_does_not_keep_is_run_one_by_one(tmp_path: Path) -> None:
    """Exporters write a free axis and bake a batch of 1 in behind it."""
    path = always(tmp_path / "best.onnx", (1, 7, 100), ("batch", 7, 100), shape=["batch", 3, 64, 64], metadata=NAMES)
    lanes = Lanes(Model(ModelConfig(path=path)), Plan(batch_size=4, max_wait_s=0.2))
    outcomes = list(lanes.predict([GREY] * 4))
    lanes.close()
    assert all(isinstance(one, Seen) for one in outcomes)


def test_a_strip_that_scaling_would_make_endless_is_refused(tmp_path: Path) -> None:
    """Its shortest edge of 1 pixel to 64, its longest of 20,000 to 1,280,000."""
    model = Model(ModelConfig(path=classifier(tmp_path / "best.onnx")))
    lanes = Lanes(model, Plan())
    strip, upright = lanes.predict([encode_jpeg(np.zeros((1, 20_000, 3), np.uint8)), encode_jpeg(picture(80, 60))])
    lanes.close()
    assert isinstance(strip, InvalidImage)
    assert "1280000x64" in str(strip)
    assert isinstance(upright, Seen)


def test_what_says_nothing_is_left_out() -> None:
    numbers = np.array([0.9, np.nan, 0.7, 0.6], np.float32)
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9], [0, np.inf, 9, 9]], np.float32)
    sane = Findings(np.array([1, 1, -5, 1]), numbers, boxes, np.zeros((4, 2, 3), np.float32)).sane()
    assert sane.class_ids.tolist() == [1]
    assert sane.boxes is not None
    assert sane.keypoints is not None
    assert len(sane.boxes) == len(sane.keypoints) == 1


def test_of_too_many_boxes_the_surest_travel(capsys: pytest.CaptureFixture[str]) -> None:
    ref = FrameRef(
        stream="frames", partition=0, offset=7, time_ms=1_700_000_000_000, frame_id="a" * 32, sha256="b" * 64, size=9
    )
    boxes = tuple(
        Detection(
            box=(1000.125, 1000.125, 1279.951, 719.251 + 900),
            class_id=7,
            class_name="a class with a name as long as people like them, and then some" * 3,
            confidence=round(1 - index / 3001, 6),
        )
        for index in range(3000)
    )
    whole = Prediction(
        frame=ref, source_id="gate", width_px=1280, height_px=1720, model_id="cut", model_version="1", threshold=0.5
    ).model_copy(update={"detections": boxes})
    record = record_of(whole)
    read = Prediction.model_validate_json(record.value or b"")
    assert MAX_PREDICTION_BYTES * 0.8 < len(record.value or b"") <= MAX_PREDICTION_BYTES
    assert read.detections == boxes[: len(read.detections)]
    assert "prediction.cut" in capsys.readouterr().err
    few = whole.model_copy(update={"detections": boxes[:10]})
    assert len(Prediction.model_validate_json(record_of(few).value or b"").detections) == 10


class ReplacedJustNow:
    """As the swapper is between two batches: the version that the service has is no longer its own."""

    why = ""

    def __init__(self, taken: Loaded) -> None:
        self._taken = taken

    def current(self) -> Loaded:
        return self._taken

    def close(self) -> None:
        """Another version's lanes."""


def test_a_version_that_was_replaced_just_now_is_closed_with_the_service(tmp_path: Path) -> None:
    model = Model(ModelConfig(path=detector(tmp_path / "best.onnx")))
    lanes = Lanes(model, Plan())
    service = InferenceService(InferenceConfig(model=model.config), None, ReplacedJustNow(Loaded(model, lanes)))
    service.handle([])
    service.close()
    assert lanes.submit(GREY).cancelled()
