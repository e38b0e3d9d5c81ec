"""Whose box is whose: everything found is in exactly one pair, the same class first, then the nearest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.models.matching import IOU, Found, matched, overlap, shown
from tests.unit.services.sampler.making import classified, detection, prediction

BOX = (10.0, 10.0, 50.0, 40.0)


def found(left: float, name: str = "cart") -> Found:
    return Found(name, 0.9, (left, 0.0, left + 10.0, 10.0))


def kinds(old: list[Found], new: list[Found]) -> list[str]:
    return [pair.kind for pair in matched(old, new)]


def test_the_four_kinds() -> None:
    old = [found(0), found(100), found(200)]
    new = [found(1), found(201, "crate"), found(300)]
    assert kinds(old, new) == ["both", "lost", "changed", "gained"]


def test_the_same_class_goes_before_a_larger_overlap() -> None:
    (pair, rest) = matched([found(0)], [found(1, "crate"), found(3)])
    assert pair.new == found(3)
    assert rest.kind == "gained"


def test_the_largest_overlap_goes_first() -> None:
    pairs = matched([found(0), found(4)], [found(3)])
    assert [pair.kind for pair in pairs] == ["lost", "both"]


@pytest.mark.parametrize(("right", "same"), [(20.0, True), (20.1, False)])
def test_half_of_their_union_is_enough(right: float, same: bool) -> None:
    both = overlap((0.0, 0.0, 10.0, 10.0), (0.0, 0.0, right, 10.0))
    assert (both >= IOU) is same


def test_boxes_of_no_area_and_no_overlap() -> None:
    point = (5.0, 5.0, 5.0, 5.0)
    assert overlap(point, point) == 1
    assert overlap(point, BOX) == 0
    assert overlap((0.0, 0.0, 1.0, 1.0), BOX) == 0
    assert overlap(BOX, None) == 0


def test_a_product_shows_what_reaches_its_classs_threshold() -> None:
    said = prediction(
        0.6, 0.4, class_thresholds={"crate": 0.2}, detections=(detection(0.4), detection(0.3, "crate", 1))
    )
    assert [one.class_name for one in shown(said)] == ["crate"]


def test_of_a_classifier_its_best_class_counts() -> None:
    assert kinds([*shown(classified(0.3, 0.2))], [*shown(classified(0.9))]) == ["both"]
    assert kinds([*shown(classified(0.3))], [Found("dog", 0.9)]) == ["changed"]


numbers = st.integers(0, 12).map(float)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), numbers, numbers, numbers, numbers)
findings = st.lists(st.builds(Found, st.sampled_from(["cart", "crate"]), st.just(0.9), boxes), max_size=6)


@given(findings, findings)
def test_every_finding_is_in_exactly_one_pair(old: list[Found], new: list[Found]) -> None:
    pairs = matched(old, new)
    assert [pair.old for pair in pairs if pair.old is not None] == old
    assert sorted(str(pair.new) for pair in pairs if pair.new is not None) == sorted(map(str, new))
    assert all(overlap(pair.old.box, pair.new.box) >= IOU for pair in pairs if pair.old and pair.new)


@given(findings)
def test_a_model_differs_in_nothing_from_itself(said: list[Found]) -> None:
    assert not any(pair.differs for pair in matched(said, said))
