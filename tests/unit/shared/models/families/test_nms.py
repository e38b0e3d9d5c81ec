"""Suppression: nothing kept overlaps, the order of the candidates does not matter, classes do not meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.models.families import nms
from shared.models.families.nms import chosen, suppress
from shared.models.placement import Floats
from shared.models.sidecar import NmsOptions

CORNERS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40))
CANDIDATES = st.lists(st.tuples(CORNERS, st.integers(0, 2)), max_size=40)


def overlap(one: Floats, other: Floats) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    return shared / (float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared)


def arrays(candidates: list[tuple[tuple[int, int, int, int], int]]) -> tuple[Floats, Floats, NDArray[np.intp]]:
    boxes = np.array([[x, y, x + w, y + h] for (x, y, w, h), _ in candidates], np.float32).reshape(-1, 4)
    confidences = np.linspace(0.9, 0.1, len(candidates), dtype=np.float32)  # no ties
    return boxes, confidences, np.array([kind for _, kind in candidates], np.intp)


@given(CANDIDATES, st.floats(0.1, 0.9))
def test_no_two_of_a_class_overlap_and_each_one_dropped_had_a_reason(
    candidates: list[tuple[tuple[int, int, int, int], int]], iou: float
) -> None:
    boxes, confidences, class_ids = arrays(candidates)
    kept = suppress(boxes, confidences, class_ids, iou, keep=100)
    assert (np.diff(confidences[kept]) <= 0).all()
    for index in range(len(boxes)):
        surer = [k for k in kept if confidences[k] > confidences[index] and class_ids[k] == class_ids[index]]
        worst = max((overlap(boxes[k], boxes[index]) for k in surer), default=0.0)
        assert worst <= iou + 1e-3 if index in kept else worst > iou - 1e-3


@given(CANDIDATES, st.integers(0, 2**32))
def test_the_order_of_the_candidates_does_not_matter(
    candidates: list[tuple[tuple[int, int, int, int], int]], seed: int
) -> None:
    boxes, confidences, class_ids = arrays(candidates)
    mixed = np.random.default_rng(seed).permutation(len(boxes))
    straight = suppress(boxes, confidences, class_ids, 0.5, keep=100)
    shuffled = mixed[suppress(boxes[mixed], confidences[mixed], class_ids[mixed], 0.5, keep=100)]
    assert straight.tolist() == shuffled.tolist()


def test_an_overlap_of_exactly_the_limit_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5]], np.float32)
    kept = suppress(boxes, np.array([0.9, 0.8], np.float32), np.zeros(2, np.intp), iou=0.5, keep=10)
    assert kept.tolist() == [0, 1]


def test_at_most_so_many_stay_and_they_are_the_surest() -> None:
    boxes = np.array([[100 * i, 0, 100 * i + 9, 9] for i in range(5)], np.float32)
    kept = suppress(boxes, np.array([0.1, 0.5, 0.3, 0.9, 0.2], np.float32), np.zeros(5, np.intp), iou=0.5, keep=2)
    assert kept.tolist() == [3, 1]


def test_boxes_without_area_harm_nobody() -> None:
    boxes = np.array([[0, 0, 0, 0], [0, 0, 9, 9], [5, 5, 5, 5]], np.float32)
    kept = suppress(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.intp), iou=0.5, keep=10)
    assert 1 in kept


def test_no_candidates_are_no_boxes() -> None:
    none = np.zeros((0, 4), np.float32)
    assert len(suppress(none, none[:, 0], np.zeros(0, np.intp), iou=0.5, keep=10)) == 0


def test_a_sidecar_turns_suppression_off_or_lets_classes_meet() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 9.5]], np.float32)
    found = boxes, np.array([0.7, 0.9, 0.8], np.float32), np.array([0, 1, 1], np.intp)
    assert chosen(*found, NmsOptions(iou=0.5), keep=10).tolist() == [1, 0]
    assert chosen(*found, NmsOptions(iou=0.5, class_agnostic=True), keep=10).tolist() == [1]
    assert chosen(*found, NmsOptions(iou=0.5, run=False), keep=2).tolist() == [1, 2]
    assert chosen(*found, NmsOptions(iou=0.5, run="auto"), keep=1).tolist() == [1]


@pytest.mark.parametrize("spread_px", [40, 4000])
def test_of_thousands_the_surest_are_enough_and_the_answer_the_same(
    spread_px: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that was never trained: everything is above the lowest confidence, and ties are everywhere."""
    dice = np.random.default_rng(spread_px)
    corners = (dice.random((5000, 2)) * spread_px).astype(np.float32)
    boxes = np.concatenate([corners, corners + 20], axis=1)
    confidences = dice.random(5000).round(2).astype(np.float32)
    class_ids = dice.integers(0, 3, 5000)
    quick = suppress(boxes, confidences, class_ids, 0.5, keep=300)
    monkeypatch.setattr(nms, "FIRST_CANDIDATES", 5000)
    assert quick.tolist() == suppress(boxes, confidences, class_ids, 0.5, keep=300).tolist()
