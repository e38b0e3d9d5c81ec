"""below_threshold and close_to_threshold: what matches, how strictly, and in which words."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.sampler.strategies.below_threshold import BelowThreshold
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.strategy import NOTHING
from tests.unit.services.sampler.making import classified, detection, prediction


def always(*_: str) -> float:
    return 0.0


def fires(strategy: BelowThreshold | CloseToThreshold, *confidences: float, **more: Any) -> bool:
    return strategy.look(prediction(*confidences, **more), always).fired


@pytest.mark.parametrize(
    ("confidence", "matches"), [(0.05, False), (0.29, False), (0.3, True), (0.49, True), (0.5, False), (0.9, False)]
)
def test_below_threshold_is_closed_below_and_open_above(confidence: float, matches: bool) -> None:
    assert fires(BelowThreshold(at_least=0.3), confidence) is matches


def test_below_threshold_names_the_strongest_doubt() -> None:
    look = BelowThreshold().look(prediction(0.2, 0.41, 0.9), always)
    assert (look.score, look.rule) == (0.41, "package 0.41, below 0.50")


def test_below_threshold_of_a_classifier_looks_at_the_top_class_alone() -> None:
    assert BelowThreshold(threshold=0.6).look(classified(0.55, 0.4, 0.05), always).fired
    assert not BelowThreshold(threshold=0.6).look(classified(0.7, 0.3), always).fired
    assert not BelowThreshold(threshold=0.6, selected_class_names=("dog",)).look(classified(0.55, 0.45), always).fired


@pytest.mark.parametrize(
    ("confidence", "matches"), [(0.4, False), (0.41, True), (0.5, True), (0.59, True), (0.6, False)]
)
def test_close_to_threshold_is_strict_on_both_sides(confidence: float, matches: bool) -> None:
    # 0.5 ± 0.1 as Roboflow has it: abs(confidence - threshold) < epsilon. Floats: 0.6 - 0.5 < 0.1 is true, hence 0.0999.
    assert fires(CloseToThreshold(threshold=0.5, epsilon=0.0999), confidence) is matches


def test_close_to_threshold_wants_enough_objects() -> None:
    strategy = CloseToThreshold(epsilon=0.1, minimum_objects_close_to_threshold=2)
    assert not fires(strategy, 0.45, 0.9)
    assert fires(strategy, 0.45, 0.55)


def test_the_product_threshold_of_the_class_counts_unless_the_strategy_has_one() -> None:
    strategy = CloseToThreshold(epsilon=0.1)
    assert fires(strategy, 0.75, class_thresholds={"package": 0.7})
    assert not fires(strategy, 0.5, class_thresholds={"package": 0.7})
    assert fires(CloseToThreshold(threshold=0.5), 0.5, class_thresholds={"package": 0.7})


def test_selected_classes_alone_are_looked_at() -> None:
    both = (detection(0.5), detection(0.9, "person", 1))
    assert not CloseToThreshold(selected_class_names=("person",)).look(prediction(detections=both), always).fired
    assert CloseToThreshold(selected_class_names=("package",)).look(prediction(detections=both), always).fired


def test_a_classifier_may_be_looked_at_beyond_its_top_class() -> None:
    assert not CloseToThreshold(threshold=0.3, epsilon=0.05).look(classified(0.7, 0.3), always).fired
    assert (
        CloseToThreshold(threshold=0.3, epsilon=0.05, only_top_classes=False).look(classified(0.7, 0.3), always).fired
    )


def test_no_detections_no_interest() -> None:
    assert CloseToThreshold().look(prediction(), always) is NOTHING
    assert BelowThreshold().look(classified(), always) is NOTHING


def test_a_probability_thins_what_matches() -> None:
    strategy = CloseToThreshold(probability=0.25)
    assert strategy.look(prediction(0.5), lambda *_: 0.24).fired
    look = strategy.look(prediction(0.5), lambda *_: 0.25)
    assert (look.fired, look.probability) == (False, 0.25)


def test_thresholds_that_cannot_match_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be below"):
        BelowThreshold(threshold=0.3, at_least=0.3)
    with pytest.raises(ValidationError):
        CloseToThreshold(epsilon=0)
