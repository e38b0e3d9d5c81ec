"""What every model family promises, asked of each that the registry names; a new family adds its builder here."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from services.inference.config import ModelConfig
from services.inference.models import FAMILIES
from services.inference.models.family import Findings
from services.inference.models.model import Model
from shared.errors import SettingsError
from tests.unit.services.inference.built_models import NAMES, classifier, detector, picture

BUILDERS: dict[str, Callable[[Path], Path]] = {"ultralytics": detector, "classify": classifier}
SIZES_PX = ((320, 240), (31, 500), (500, 31), (1, 1))


@pytest.fixture(params=sorted(FAMILIES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(name: str, tmp_path: Path) -> Path:
    return BUILDERS[name](tmp_path / "model.onnx")


def findings(model: Model, size_px: tuple[int, int]) -> Findings:
    tensor = model.family.prepare(picture(*size_px))
    return model.family.read(model.run(model.open_session(), [tensor])[0], *size_px)


def test_the_settings_know_every_family() -> None:
    assert set(get_args(ModelConfig.model_fields["family"].annotation)) == {"auto", *FAMILIES}
    assert {name: family.name for name, family in FAMILIES.items()} == {name: name for name in FAMILIES}


def test_a_family_is_told_from_its_file_alone(name: str, path: Path) -> None:
    assert Model(ModelConfig(path=path)).family.name == name


def test_only_one_family_takes_a_file(name: str, path: Path) -> None:
    signature = Model(ModelConfig(path=path)).open_session().signature()
    assert [other for other, family in FAMILIES.items() if family.objection(signature) is None] == [name]


def test_another_familys_file_is_refused(name: str, tmp_path: Path) -> None:
    for other in FAMILIES.keys() - {name}:
        foreign = BUILDERS[other](tmp_path / "foreign.onnx")
        with pytest.raises(SettingsError, match="output0"):
            Model(ModelConfig.model_validate({"path": foreign, "family": name}))


def test_names_come_from_the_file(path: Path) -> None:
    assert Model(ModelConfig(path=path)).names == tuple(NAMES.values())


@pytest.mark.parametrize("size_px", SIZES_PX)
def test_the_tensor_is_rgb_in_0_to_1_of_the_models_size(path: Path, size_px: tuple[int, int]) -> None:
    family = Model(ModelConfig(path=path)).family
    tensor = family.prepare(picture(*size_px))
    width_px, height_px = family.input.size_px
    assert tensor.shape == (3, height_px, width_px)
    assert tensor.dtype == np.float32
    assert 0 <= tensor.min() <= tensor.max() <= 1


@pytest.mark.parametrize("size_px", SIZES_PX)
def test_findings_are_sorted_named_and_inside_the_image(path: Path, size_px: tuple[int, int]) -> None:
    model = Model(ModelConfig(path=path))
    seen = findings(model, size_px)
    assert len(seen.class_ids) == len(seen.confidences)
    assert set(seen.class_ids.tolist()) <= set(range(len(model.names)))
    assert (np.diff(seen.confidences) <= 0).all()
    assert ((seen.confidences >= 0) & (seen.confidences <= 1)).all()
    assert (seen.boxes is None) == (model.family.task == "classify")
    if seen.boxes is not None:
        assert seen.boxes.shape == (len(seen.class_ids), 4)
        assert (seen.boxes >= 0).all()
        assert (seen.boxes <= np.array(size_px * 2)).all()


def test_something_is_seen_and_twice_the_same(path: Path) -> None:
    model = Model(ModelConfig(path=path))
    first, second = findings(model, (320, 240)), findings(model, (320, 240))
    assert len(first.class_ids) > 0
    assert first.class_ids.tolist() == second.class_ids.tolist()
    assert first.confidences.tolist() == second.confidences.tolist()
