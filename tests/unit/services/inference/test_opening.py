"""Which service a model gets: the live one, or a shadow in a group of its own on a share of the frames."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import embedded
from services.inference.config import InferenceConfig
from services.inference.opening import prepared
from services.inference.shadow import shadow_of
from shared.bootstrap import open_backend
from shared.errors import SettingsError
from shared.settings import Settings
from shared.streams.groups import READS, reads
from shared.streams.ids import share_of
from tests.unit.services.inference.test_service import frame
from tests.unit.shared.models.built_models import detector


def settings(tmp_path: Path, **values: Any) -> Settings:
    return Settings({"backend": {"type": "embedded", "folder": str(tmp_path / "data")}, **values})


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(detector(tmp_path / "next.onnx"))


def test_a_shadow_is_a_service_of_its_own_name_on_its_share(tmp_path: Path, path: str) -> None:
    model = {"path": path, "id": "doors-next", "role": "shadow", "fraction": 0.3}
    opens = prepared(InferenceConfig.model_validate({"model": model}))
    with open_backend(settings(tmp_path)) as backend:
        service = opens(backend)
        try:
            assert (service.name, service.reads) == ("inference-shadow-doors-next", ("frames",))
            frames = [frame(seed, (32, 24)).message for seed in range(200)]
            taken = [one for one in frames if service.predicts(one)]
            assert taken == [one for one in frames if share_of(one.ref.frame_id) < 0.3]
            assert 30 < len(taken) < 90
            known: Any = (("predicted_by", b"somebody"),)
            assert not any(service.predicts(frame(seed, (32, 24), known).message) for seed in range(20))
        finally:
            service.close()


def test_the_live_model_and_none_at_all_are_the_service_itself(tmp_path: Path, path: str) -> None:
    with open_backend(settings(tmp_path)) as backend:
        for model in ({"path": path}, "none"):
            service = prepared(InferenceConfig.model_validate({"model": model}))(backend)
            assert service.name == "inference"
            assert service.predicts(frame(1, (32, 24)).message)
            service.close()


def test_a_file_that_cannot_work_is_refused_before_there_is_a_backend(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"junk" * 100)
    with pytest.raises(SettingsError, match="is no ONNX model"):
        prepared(InferenceConfig.model_validate({"model": {"path": str(broken)}}))


def test_where_the_settings_name_a_shadow(tmp_path: Path, path: str) -> None:
    assert shadow_of(settings(tmp_path, model={"id": "doors"})) is None
    named = settings(tmp_path, model={"id": "doors"}, shadow={"path": path, "fraction": 0.1})
    config = shadow_of(named)
    assert config is not None
    assert config.model is not None
    assert (config.model.role, config.model.model_id, config.model.fraction) == ("shadow", "next", 0.1)
    assert embedded.groups(named) == reads(["next"]) == {**READS, "inference-shadow-next": ("frames",)}


def test_a_shadow_needs_an_id_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"shadow\.id: expected an id of its own, got 'doors'"):
        shadow_of(settings(tmp_path, model={"id": "doors"}, shadow={"id": "doors"}))


def test_one_box_needs_a_live_model(tmp_path: Path, path: str) -> None:
    alone = settings(tmp_path, model={"path": path, "role": "shadow"}, feedback={"port": 0})
    with pytest.raises(SettingsError, match="a shadow runs beside a live model"), embedded.running(alone):
        pass


def test_a_frames_share_never_changes() -> None:
    """Another hash would be another choice of frames after an update, in the midst of a comparison."""
    assert [round(share_of(f"{number:032x}"), 6) for number in range(3)] == [0.134563, 0.320854, 0.31656]


@given(st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), min_size=1, max_size=50, unique=True))
def test_a_share_lies_between_none_and_all(frame_ids: list[str]) -> None:
    assert all(0 <= share_of(one) < 1 for one in frame_ids)
