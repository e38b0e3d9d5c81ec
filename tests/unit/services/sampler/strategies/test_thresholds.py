"""below_threshold and close_to_threshold: what matches, how strictly, and in which words."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.sampler.strategies import Strategy
from services.sampler.strategies.below_threshold import BelowThreshold
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from tests.unit.services.sampler.making import detection
from tests.unit.services.sampler.strategies.scenes import of_classes, scene


def matches(strategy: Strategy, *confidences: float, **more: Any) -> bool:
    score = strategy.score(scene(*confidences, **more))
    assert score in (0.0, 1.0)
    return score == 1.0


@pytest.mark.parametrize(
    ("confidence", "matching"), [(0.05, False), (0.29, False), (0.3, True), (0.49, True), (0.5, False), (0.9, False)]
)
def test_below_threshold_is_closed_below_and_open_above(confidence: float, matching: bool) -> None:
    assert matches(BelowThreshold(at_least=0.3), confidence) is matching


def test_below_threshold_names_the_strongest_doubt() -> None:
    assert BelowThreshold().rule(scene(0.2, 0.41, 0.9)) == "package 0.41, below 0.50"


def test_below_threshold_of_a_classifier_looks_at_the_top_class_alone() -> None:
    assert BelowThreshold(threshold=0.6).score(of_classes(0.55, 0.4, 0.05)) == 1
    assert BelowThreshold(threshold=0.6).score(of_classes(0.7, 0.3)) == 0
    assert BelowThreshold(threshold=0.6, selected_class_names=("dog",)).score(of_classes(0.55, 0.45)) == 0


@pytest.mark.parametrize(
    ("confidence", "matching"), [(0.375, False), (0.3751, True), (0.5, True), (0.6249, True), (0.625, False)]
)
def test_close_to_threshold_is_strict_on_both_sides(confidence: float, matching: bool) -> None:
    # As Roboflow has it: abs(confidence - threshold) < epsilon. Eighths, since 0.6 - 0.5 < 0.1 is true of floats.
    assert matches(CloseToThreshold(threshold=0.5, epsilon=0.125), confidence) is matching


def test_close_to_threshold_wants_enough_objects() -> None:
    strategy = CloseToThreshold(epsilon=0.1, minimum_objects_close_to_threshold=2)
    assert not matches(strategy, 0.45, 0.9)
    assert matches(strategy, 0.45, 0.55)
    assert strategy.rule(scene(0.45, 0.52)) == "package 0.52, near 0.50"


@pytest.mark.parametrize("strategy", [CloseToThreshold(epsilon=0.1), BelowThreshold(at_least=0.66)])
def test_the_product_threshold_of_the_class_counts_unless_the_strategy_has_one(strategy: Strategy) -> None:
    assert matches(strategy, 0.69, class_thresholds={"package": 0.7})
    assert not matches(strategy, 0.5, class_thresholds={"package": 0.7})
    assert strategy.rule(scene(0.69, class_thresholds={"package": 0.7})).endswith("0.70")
    own = strategy.model_copy(update={"threshold": 0.9})
    assert not matches(own, 0.65, class_thresholds={"package": 0.7})


def test_selected_classes_alone_are_looked_at() -> None:
    both = (detection(0.5), detection(0.9, "person", 1))
    assert not matches(CloseToThreshold(selected_class_names=("person",)), detections=both)
    assert matches(CloseToThreshold(selected_class_names=("package",)), detections=both)


def test_a_classifier_may_be_looked_at_beyond_its_top_class() -> None:
    assert CloseToThreshold(threshold=0.3, epsilon=0.05).score(of_classes(0.7, 0.3)) == 0
    assert CloseToThreshold(threshold=0.3, epsilon=0.05, only_top_classes=False).score(of_classes(0.7, 0.3)) == 1


def test_no_detections_no_interest() -> None:
    assert CloseToThreshold().score(scene()) == 0
    assert BelowThreshold().score(of_classes()) == 0


def test_a_probability_thins_what_matches() -> None:
    strategy = CloseToThreshold(probability=0.25)
    assert strategy.fixed == 0.25
    assert strategy.fires(scene(0.5), lambda *_: 0.24, 0.25)
    assert not strategy.fires(scene(0.5), lambda *_: 0.25, 0.25)


def test_thresholds_that_cannot_match_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be below"):
        BelowThreshold(threshold=0.3, at_least=0.3)
    with pytest.raises(ValidationError):
        CloseToThreshold(epsilon=0)
