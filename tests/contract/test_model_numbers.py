"""Whatever numbers a model gives, of every family: no exception, boxes inside the image, the surest first, fit to travel.

A version with broken weights, or half precision that overflows, gives such numbers for one frame in a thousand.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.inference.batching import Seen
from services.inference.predicting import prediction_of
from shared.models.families import FAMILIES
from shared.models.families.family import Prepared
from shared.models.model import Model
from shared.streams.frames import FRAMES, Frame
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from tests.contract.test_model_families import REFERENCES, _loaded

WIDTH_PX, HEIGHT_PX = 517, 333
ODD = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e20, -1.0, 0.0, 1.0, 0.5, 0.9, 2.0, 7.0, 80.0, 320.0, 1e-40)
Numbers = dict[str, NDArray[Any]]


@cache
def _model_of(family: str) -> tuple[Model, Prepared, Numbers] | None:
    """One of that family, and what it gives for a grey picture."""
    for number in range(len(REFERENCES)):
        model = _loaded(number)
        if model.family.name == family:
            prepared = model.prepare(np.full((HEIGHT_PX, WIDTH_PX, 3), 114, np.uint8))
            return model, prepared, model.run(model.open_session(), [prepared])[0]
    return None


def _others(like: NDArray[Any], dice: np.random.Generator, kind: str) -> NDArray[Any]:
    """Numbers in place of those, of the same shape and type."""
    if like.dtype.kind in "iu":
        limits = np.iinfo(like.dtype)
        known = [0, 1, 2, 3, 80, limits.max, limits.min] + ([-1, -5] if limits.min < 0 else [])
        return dice.choice(np.array(known, like.dtype), like.shape)
    match kind:
        case "odd":
            return dice.choice(np.array(ODD, like.dtype), like.shape)
        case "shares":
            return dice.random(like.shape).astype(like.dtype)
        case "pixels":
            return (dice.random(like.shape) * 1200 - 300).astype(like.dtype)
        case "huge":
            return (dice.normal(0, 1e30, like.shape)).astype(like.dtype)
    return np.full(like.shape, np.nan, like.dtype)


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["odd", "shares", "pixels", "huge", "none"]))
def test_no_number_of_a_model_stops_the_service(family: str, seed: int, kind: str) -> None:
    found = _model_of(family)
    assert found is not None, f"no reference of {family}"
    model, prepared, given_ = found
    dice = np.random.default_rng(seed)
    findings = model.read({name: _others(array, dice, kind) for name, array in given_.items()}, prepared)
    prediction = prediction_of(model, _frame(), Seen(WIDTH_PX, HEIGHT_PX, "image/jpeg", findings, {}))
    again = Prediction.model_validate_json(prediction.to_bytes())
    shares = [one.confidence for one in again.detections] + [one.confidence for one in again.classes]
    assert shares == sorted(shares, reverse=True)
    assert len(again.detections) <= model.family.most
    for left, top, right, bottom in (one.box for one in again.detections):
        assert 0 <= left <= right <= WIDTH_PX
        assert 0 <= top <= bottom <= HEIGHT_PX


def _frame() -> Frame:
    decoded: Frame = FRAMES.decode(Record(FRAMES.name, 0, 0, 1_700_000_000_000, b"gate", b"\xff\xd8\xff", ()))
    return decoded
