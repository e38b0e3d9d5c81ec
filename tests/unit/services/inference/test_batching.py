"""Lanes see the same whoever decodes and however many frames share a run; what is no image is said, and closing ends them."""

from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest

from services.inference.batching import Lanes, Seen
from services.inference.plan import Plan
from shared.errors import InvalidImage
from shared.imaging import encode_jpeg
from shared.models.config import ModelConfig
from shared.models.model import Model
from tests.unit.shared.models.built_models import detector, picture

SIZES = [(320, 240), (240, 320), (400, 240)]
IMAGES = [encode_jpeg(picture(*SIZES[seed % 3], seed)) for seed in range(12)]
PLANS = {
    "each lane decodes": Plan(lanes=2, batch_size=1),
    "in batches": Plan(lanes=2, batch_size=4),
    "a pool decodes": Plan(lanes=2, batch_size=4, decode_threads=3),
    "and batches are waited for": Plan(lanes=1, batch_size=8, decode_threads=2, max_wait_s=0.05),
}


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """Free axes: pictures of one shape share a run, others do not."""
    return Model(ModelConfig(path=detector(tmp_path / "gate.onnx", free=True)))


def seen(lanes: Lanes) -> list[Seen]:
    outcomes = list(lanes.predict(IMAGES))
    lanes.close()
    return [one for one in outcomes if isinstance(one, Seen)]


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_plan_sees_the_same(model: Model, plan: Plan) -> None:
    alone, planned = seen(Lanes(model, Plan(lanes=1))), seen(Lanes(model, plan))
    assert [(one.width_px, one.height_px) for one in planned] == [SIZES[seed % 3] for seed in range(12)]
    for one, other in zip(planned, alone, strict=True):
        assert one.findings.boxes is not None
        assert other.findings.boxes is not None
        assert len(one.findings.boxes) > 0
        assert np.allclose(one.findings.boxes, other.findings.boxes, atol=0.05)
        assert list(one.findings.class_ids) == list(other.findings.class_ids)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_what_is_no_image_is_said_of_it_alone(model: Model, plan: Plan) -> None:
    lanes = Lanes(model, plan)
    before, bad, after = lanes.predict([IMAGES[0], b"no image", IMAGES[1]])
    lanes.close()
    assert isinstance(bad, InvalidImage)
    assert isinstance(before, Seen)
    assert isinstance(after, Seen)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_closed_lanes_leave_nobody_waiting(model: Model, plan: Plan) -> None:
    lanes = Lanes(model, plan)
    futures = [lanes.submit(image) for image in IMAGES]
    lanes.close()
    lanes.close()
    futures.append(lanes.submit(IMAGES[0]))
    for future in futures:
        try:
            assert isinstance(future.result(30), Seen)
        except CancelledError:
            continue
    assert futures[-1].cancelled()


def test_what_nobody_waits_for_is_not_decoded(model: Model) -> None:
    lanes = Lanes(model, Plan(lanes=1))
    futures = [lanes.submit(image) for image in IMAGES]
    given_up = [future for future in futures[1:] if future.cancel()]
    assert isinstance(lanes.submit(IMAGES[0]).result(30), Seen)
    lanes.close()
    assert given_up
    assert all(future.cancelled() for future in given_up)
