"""least_confidence: 1 - p of what is shown."""

import pytest

from services.sampler.strategies.least_confidence import LeastConfidence
from tests.unit.services.sampler.making import detection
from tests.unit.services.sampler.strategies.scenes import of_classes, scene


def test_the_least_sure_box_that_is_shown_decides() -> None:
    assert LeastConfidence().score(scene(0.9, 0.6, 0.49)) == pytest.approx(0.4)
    assert LeastConfidence().rule(scene(0.9, 0.6, 0.49)) == "package, 0.60 sure"


def test_sum_is_one_less_the_product() -> None:
    assert LeastConfidence(aggregation="sum").score(scene(0.9, 0.6)) == pytest.approx(1 - 0.9 * 0.6)


def test_mean_is_over_what_is_shown() -> None:
    assert LeastConfidence(aggregation="mean").score(scene(0.9, 0.6, 0.1)) == pytest.approx(0.25)


def test_thresholds_of_classes_say_what_is_shown() -> None:
    assert LeastConfidence().score(scene(0.6, class_thresholds={"package": 0.7})) == 0
    assert LeastConfidence().score(scene(0.4, class_thresholds={"package": 0.3})) == pytest.approx(0.6)


def test_a_classifiers_top_class() -> None:
    assert LeastConfidence().score(of_classes(0.55, 0.4)) == pytest.approx(0.45)
    assert LeastConfidence(selected_class_names=("dog",)).score(of_classes(0.55, 0.4)) == 0


def test_nothing_shown_no_interest() -> None:
    assert LeastConfidence().score(scene()) == LeastConfidence().score(scene(0.3)) == 0
    assert LeastConfidence().score(of_classes()) == 0
    assert LeastConfidence(selected_class_names=("dog",)).score(scene(detections=(detection(0.6),))) == 0
