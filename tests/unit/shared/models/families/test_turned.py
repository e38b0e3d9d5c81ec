"""Turned boxes: alike as Gaussians, suppressed within their class, held by upright rectangles."""

import math
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.models.config import ModelConfig
from shared.models.families.turned import around, overlaps, suppress_turned
from shared.models.model import Model
from shared.models.placement import Floats
from tests.families.pictures import picture

OBB = Path(__file__).parents[4] / "families" / "ultralytics-obb.onnx"
BOX = st.tuples(
    st.integers(0, 200),
    st.integers(0, 200),
    st.integers(2, 90),
    st.integers(2, 90),
    st.floats(-math.pi / 4, 3 * math.pi / 4),
)


def array(*boxes: tuple[float, ...]) -> Floats:
    return np.array(boxes, np.float32).reshape(-1, 5)


def corners(box: Floats) -> Floats:
    """(4, 2), turned one by one."""
    cx, cy, width, height, angle = box
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    return np.asarray(points @ turn.T + [cx, cy], np.float32)


@settings(deadline=None)
@given(BOX)
def test_the_rectangle_around_holds_every_corner_and_no_more(box: tuple[float, ...]) -> None:
    points = corners(array(box)[0])
    expected = np.concatenate([points.min(axis=0), points.max(axis=0)])
    assert np.abs(around(array(box))[0] - expected).max() < 0.01


def test_a_quarter_turn_changes_width_and_height() -> None:
    upright, turned = array((50, 50, 20, 60, 0)), array((50, 50, 60, 20, math.pi / 2))
    assert np.abs(around(upright) - around(turned)).max() < 1e-4
    assert overlaps(np.concatenate([upright, turned]))[0, 1] > 0.99


@settings(deadline=None)
@given(st.lists(BOX, min_size=1, max_size=12))
def test_likeness_is_mutual_and_between_0_and_1(boxes: list[tuple[float, ...]]) -> None:
    alike = overlaps(array(*boxes))
    assert np.isfinite(alike).all()
    assert np.abs(alike - alike.T).max() < 2e-3
    assert (alike > -1e-3).all()
    assert (alike <= 1).all()


def test_the_likeness_is_that_of_the_reference() -> None:
    """Figures of ultralytics 8.4.190, `batch_probiou`."""
    alike = overlaps(array((50, 50, 40, 20, 0.3), (55, 52, 40, 20, 0.3), (50, 50, 40, 20, 1.2), (90, 50, 40, 20, 0.3)))
    assert np.abs(alike[0] - [0.99953, 0.83467, 0.6288, 0.07838]).max() < 1e-3


def test_a_dropped_box_still_drops_others_and_classes_do_not_meet() -> None:
    row = array((50, 50, 40, 20, 0), (56, 50, 40, 20, 0), (62, 50, 40, 20, 0))
    scores, one = np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.intp)
    alike = overlaps(row)
    between = float((alike[0, 1] + alike[0, 2]) / 2)
    assert alike[1, 2] > between > alike[0, 2]
    assert suppress_turned(row, scores, one, between, keep=10).tolist() == [0]
    assert suppress_turned(row, scores, np.array([0, 1, 2]), between, keep=10).tolist() == [0, 1, 2]
    assert suppress_turned(row, scores, np.array([0, 1, 2]), between, keep=2).tolist() == [0, 1]


def test_no_boxes_are_none() -> None:
    none = array()
    assert suppress_turned(none, none[:, 0], np.zeros(0, np.intp), 0.5, keep=10).tolist() == []
    assert around(none).shape == (0, 4)


def test_what_a_sidecar_says_of_suppression_holds_for_turned_boxes_too(tmp_path: Path) -> None:
    def found(said: str) -> int:
        (tmp_path / "said.yaml").write_text(f"nms: {said}\nmax_det: 3000\n")
        model = Model(ModelConfig(path=OBB, sidecar=tmp_path / "said.yaml"))
        prepared = model.prepare(picture(320, 240))
        return len(model.read(model.run(model.open_session(), [prepared])[0], prepared).class_ids)

    assert found("{iou: 0.0}") < found("{iou: 0.7}") < found("{run: false}")
    assert found("{iou: 0.3, class_agnostic: true}") <= found("{iou: 0.3}")
