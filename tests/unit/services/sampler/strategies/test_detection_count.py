"""detection_count: strict bounds on how many boxes are shown."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.sampler.strategies.detection_count import DetectionCount
from tests.unit.services.sampler.making import detection
from tests.unit.services.sampler.strategies.scenes import of_classes, scene


@pytest.mark.parametrize(
    ("options", "matching"),
    [
        ({"more_than": 1}, {2, 3, 4}),
        ({"less_than": 2}, {0, 1}),
        ({"more_than": 0, "less_than": 3}, {1, 2}),
        ({"less_than": 1}, {0}),
    ],
)
def test_bounds_are_strict(options: dict[str, int], matching: set[int]) -> None:
    strategy = DetectionCount(**options)
    assert {n for n in range(5) if strategy.score(scene(*[0.9] * n, 0.3)) == 1} == matching


def test_it_counts_what_is_shown_of_the_selected_classes() -> None:
    mixed = (detection(0.9), detection(0.6), detection(0.9, "person"))
    packages = DetectionCount(more_than=1, selected_class_names=("package",))
    assert packages.score(scene(detections=mixed)) == 1
    assert packages.score(scene(detections=mixed, class_thresholds={"package": 0.7})) == 0
    assert DetectionCount(more_than=1, minimum_confidence=0.8).score(scene(0.9, 0.7)) == 0
    assert DetectionCount(more_than=1, minimum_confidence=0.1).score(scene(0.9, 0.2)) == 1


def test_it_says_the_number_and_what_was_expected() -> None:
    assert DetectionCount(more_than=0, less_than=3).rule(scene(0.9)) == "1 detection, more than 0 and less than 3"
    assert DetectionCount(less_than=1).rule(scene()) == "0 detections, less than 1"


def test_a_classifier_detects_nothing() -> None:
    assert DetectionCount(less_than=5).score(of_classes(0.9)) == 0


@pytest.mark.parametrize("options", [{}, {"more_than": 3, "less_than": 4}, {"more_than": 5, "less_than": 2}])
def test_bounds_that_cannot_match_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"neither|no number"):
        DetectionCount(**options)
