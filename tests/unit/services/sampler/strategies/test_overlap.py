"""Overlap and matching: which boxes are the same place, and which the same object."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.strategies.matching import matches
from services.sampler.strategies.overlap import iou
from shared.streams.predictions import Detection
from tests.unit.services.sampler.strategies.scenes import at, boxes

BOXES = st.lists(boxes(), max_size=5)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 10, 10), (2, 2, 4, 4), 0.04),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0),
    ],
)
def test_iou(one: tuple[float, ...], other: tuple[float, ...], expected: float) -> None:
    assert iou(one, other) == pytest.approx(expected)  # type: ignore[arg-type]


@given(boxes(), boxes())
def test_iou_is_symmetric_and_a_share(one: Detection, other: Detection) -> None:
    assert 0 <= iou(one.box, other.box) == iou(other.box, one.box) <= 1


def test_the_closest_pairs_come_first() -> None:
    # The middle one overlaps both, but best with its own: greedy in the given order would leave a pair out.
    assert matches([at(0), at(10)], [at(10), at(22)]) == 1
    assert matches([at(10), at(0)], [at(10), at(6)]) == 2


@given(BOXES, BOXES)
def test_matches_are_one_to_one(ours: list[Detection], theirs: list[Detection]) -> None:
    assert 0 <= matches(ours, theirs) <= min(len(ours), len(theirs))
    assert matches(ours, []) == 0
