"""Settings that cannot work together are refused, with the place and the reason."""

from pathlib import Path
from typing import Any

import pytest

from services.inference.config import InferenceConfig, InferenceOptions, cores
from services.inference.plan import Plan
from shared.errors import SettingsError
from shared.settings import load


def refusal(**settings: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load(overrides=settings).read(InferenceConfig)
    return str(caught.value)


def test_a_model_alone_is_enough() -> None:
    config = load(overrides={"model": {"path": "models/gate v2.onnx"}}).read(InferenceConfig)
    assert config.model is not None
    assert config.model.model_id == "gate-v2"
    assert config.model.lowest_confidence == 0.05
    assert config.model.threshold == 0.5


def test_no_model_is_refused() -> None:
    assert "model: Field required" in refusal()


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ({"treshold": 0.4}, "did you mean 'threshold'?"),
        ({"threshold": 1.5}, "less than or equal to 1"),
        ({"threshold": 0.02}, "lowest_confidence 0.05 is above the product threshold 0.02"),
        ({"class_thresholds": {"cart": 0.01}}, "above the product threshold 0.01"),
        ({"id": "a/b"}, "model.id"),
        ({"names": []}, "at least one class name"),
        ({"family": "yolo"}, "'auto', 'ultralytics'"),
        ({"fraction": 0.5}, "fraction 0.5 is for `role: shadow`"),
        ({"path": None}, "expected `path`"),
    ],
)
def test_what_cannot_work_is_refused(model: dict[str, Any], why: str) -> None:
    assert why in refusal(model={"path": "gate.onnx", **model})


@pytest.mark.parametrize(
    ("text", "share"), [("max 100000", None), ("100000 100000", 1), ("50000 100000", 1), ("", None)]
)
def test_a_containers_share_bounds_the_cores(tmp_path: Path, text: str, share: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    everything = cores(tmp_path / "none")
    assert cores(tmp_path / "cpu.max") == (share or everything)


def test_lanes_and_threads_share_the_cores() -> None:
    plan = Plan.of(InferenceOptions())
    assert plan.lanes == min(2, cores())
    assert 1 <= plan.lanes * plan.engine.threads <= cores()
    wanted = Plan.of(InferenceOptions(lanes=3, threads_per_lane=5))
    assert (wanted.lanes, wanted.engine.threads) == (3, 5)
