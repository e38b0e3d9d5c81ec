"""What every model family promises, asked of each that the registry names, and held against the family's own code.

The references (tests/families) are small exported models with what the family's own package said of some pictures; a new
family adds its own there.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, get_args

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.config import ModelConfig
from shared.models.families import FAMILIES
from shared.models.families.family import Findings
from shared.models.model import Model
from shared.models.sidecar import FamilyName
from tests.families.pictures import picture

FOLDER = Path(__file__).parents[1] / "families"
SIZES_PX = ((320, 240), (31, 500), (500, 31), (1, 1))
TOLERANCE = {"iou": 0.99, "score": 0.002, "px": 0.5}


@dataclass(frozen=True, slots=True)
class Reference:
    """A model file and what its family's own code said of it."""

    name: str
    path: Path
    said: dict[str, Any]


def _references() -> list[Reference]:
    found = []
    for file in sorted([*FOLDER.glob("*.json"), *FOLDER.glob("*/reference.json")]):
        said = json.loads(file.read_text(encoding="utf-8"))
        name = file.stem if file.parent == FOLDER else file.parent.name
        found.append(Reference(name, file.parent / said["model"], said))
    return found


REFERENCES = _references()


@cache
def _loaded(number: int) -> Model:
    """As a user would: the file, and its sidecar where it needs one. A model keeps nothing between frames."""
    reference = REFERENCES[number]
    written = reference.said.get("sidecar")
    if not written:
        return Model(ModelConfig(path=reference.path))
    with NamedTemporaryFile("w", suffix=".yaml") as sidecar:
        yaml.safe_dump(written, sidecar)
        sidecar.flush()
        return Model(ModelConfig(path=reference.path, sidecar=Path(sidecar.name)))


CASES = [(one, case) for one in REFERENCES for case in one.said["cases"]]


@pytest.fixture(params=REFERENCES, ids=lambda one: one.name)
def reference(request: pytest.FixtureRequest) -> Reference:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def model(reference: Reference) -> Model:
    return _loaded(REFERENCES.index(reference))


def findings(model: Model, size_px: tuple[int, int]) -> Findings:
    prepared = model.prepare(picture(*size_px))
    return model.read(model.run(model.open_session(), [prepared])[0], prepared)


def test_every_family_has_a_reference() -> None:
    assert {one.said["family"] for one in REFERENCES} == set(FAMILIES)


def test_the_settings_know_every_family() -> None:
    assert set(get_args(FamilyName)) == {"auto", *FAMILIES}
    assert {name: family.name for name, family in FAMILIES.items()} == {name: name for name in FAMILIES}


def test_a_family_is_told_from_its_files(reference: Reference, model: Model) -> None:
    assert model.family.name == reference.said["family"]
    assert model.task == ("classify" if reference.said["task"] == "classify" else "detect")


def test_only_one_family_takes_a_file(reference: Reference, model: Model) -> None:
    signature = model.open_session().signature()
    takers = [name for name, family in FAMILIES.items() if family.objection(signature) is None]
    assert takers in ([reference.said["family"]], []), "nobody, or its own family"


@pytest.mark.parametrize("family", FAMILIES)
def test_another_familys_file_is_refused(family: str) -> None:
    """Named by mistake, a family refuses what it cannot read, or reads it without failing: never a crash."""
    reference = next(one for one in REFERENCES if one.said["family"] == family)
    for name in FAMILIES.keys() - {family}:
        try:
            misread = Model(ModelConfig.model_validate({"path": reference.path, "family": name}))
        except SettingsError as refusal:
            assert len(str(refusal)) > 20  # noqa: PT017  says why
        else:
            findings(misread, (320, 240))


@pytest.mark.parametrize(("reference", "case"), CASES, ids=[f"{one.name} {case['size_px']}" for one, case in CASES])
def test_it_sees_what_its_familys_own_code_sees(reference: Reference, case: dict[str, Any]) -> None:
    seen = findings(_loaded(REFERENCES.index(reference)), tuple(case["size_px"]))
    if "boxes" in case:
        _same_detections(seen, case, reference.said.get("tolerance", {}))
    else:
        _same_classes(seen, np.array(case["confidences"]), reference.said.get("tolerance", {}))


def _same_detections(seen: Findings, case: dict[str, Any], tolerance: dict[str, float]) -> None:
    allowed = {**TOLERANCE, **tolerance}
    size_px = np.array(case["size_px"] * 2, np.float32)
    boxes = np.clip(np.array(case["boxes"], np.float32).reshape(-1, 4), 0, size_px)
    assert seen.boxes is not None
    assert len(seen.boxes) == len(boxes)
    scores = np.abs(seen.confidences[:, None] - np.array(case["confidences"])[None])
    same = (seen.class_ids[:, None] == np.array(case["class_ids"])[None]) & (scores <= allowed["score"])
    apart_px = np.abs(seen.boxes[:, None] - boxes[None]).max(axis=2)
    # A box of a few pixels: half a hundredth of a pixel costs it more than a hundredth of its area.
    close = same & ((pairwise_iou(seen.boxes, boxes) >= allowed["iou"]) | (apart_px <= allowed["px"] / 10))
    if "px" in tolerance:
        close |= same & (apart_px <= tolerance["px"])
    assert close.any(axis=1).all(), "every box of ours is one of theirs"
    assert close.any(axis=0).all(), "every box of theirs is one of ours"


def _same_classes(seen: Findings, expected: NDArray[Any], tolerance: dict[str, float]) -> None:
    score = tolerance.get("score", TOLERANCE["score"])
    assert seen.class_ids.tolist() == np.argsort(-expected, kind="stable")[: len(seen.class_ids)].tolist()
    assert np.abs(seen.confidences - expected[seen.class_ids]).max() <= score


def pairwise_iou(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """(N, M) of boxes (N, 4) and (M, 4)."""
    low, high = np.maximum(one[:, None, :2], other[None, :, :2]), np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


@pytest.mark.parametrize("size_px", SIZES_PX)
def test_findings_are_sorted_named_and_inside_the_image(model: Model, size_px: tuple[int, int]) -> None:
    seen = findings(model, size_px)
    assert len(seen.class_ids) == len(seen.confidences) <= model.family.most
    assert all(model.name_of(kind) for kind in seen.class_ids.tolist())
    assert (np.diff(seen.confidences) <= 0).all()
    assert ((seen.confidences >= 0) & (seen.confidences <= 1)).all()
    assert (seen.boxes is None) == (model.task == "classify")
    if seen.boxes is not None:
        assert seen.boxes.shape == (len(seen.class_ids), 4)
        assert (seen.boxes >= 0).all()
        assert (seen.boxes <= np.array(size_px * 2)).all()


def test_the_same_is_seen_again_and_in_company(model: Model) -> None:
    session = model.open_session()
    image = picture(320, 240)
    one, other = model.prepare(image), model.prepare(np.ascontiguousarray(image[::-1]))
    alone = model.read(model.run(session, [one])[0], one)
    again = model.read(model.run(session, [one])[0], one)
    assert alone.confidences.tolist() == again.confidences.tolist()
    if model.family.input.batch != 1:
        together = model.read(model.run(session, [other, one])[1], one)
        assert together.class_ids.tolist() == alone.class_ids.tolist()
        assert np.allclose(together.confidences, alone.confidences, atol=1e-3)


def test_numbers_that_are_none_stop_nothing(model: Model) -> None:
    """NaN and infinity in every output: an answer, whatever it says, and no crash."""
    prepared = model.prepare(picture(320, 240))
    outputs = model.run(model.open_session(), [prepared])[0]
    for bad in (np.nan, np.inf, -np.inf):
        worse = {
            name: np.full_like(array, bad) if array.dtype.kind == "f" else array for name, array in outputs.items()
        }
        seen = model.read(worse, prepared)
        assert len(seen.class_ids) == len(seen.confidences)
