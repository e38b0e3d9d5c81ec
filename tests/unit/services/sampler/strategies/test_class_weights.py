"""Class weights: clip(e_k / mean(e), 0.5, 3), and what they do to box scores."""

import pytest

from services.sampler.strategies.entropy import Entropy
from services.sampler.strategies.ghost import Ghost
from services.sampler.strategies.least_confidence import LeastConfidence
from services.sampler.strategies.margin import Margin
from services.sampler.strategies.uncertain import Uncertain
from tests.unit.services.sampler.making import detection
from tests.unit.services.sampler.strategies.scenes import at, of_classes, scene

RATES = {"package": 0.3, "person": 0.1, "cat": 0.2}


def test_a_class_weighs_its_rate_over_the_mean() -> None:
    assert Ghost(error_rates=RATES).class_weights == pytest.approx({"package": 1.5, "person": 0.5, "cat": 1.0})


def test_weights_are_clipped_on_both_sides() -> None:
    rates = {"worst": 0.97, **{f"fine {i}": 0.01 for i in range(5)}}
    weights = Ghost(error_rates=rates).class_weights
    assert (weights["worst"], weights["fine 0"]) == (3.0, 0.5)


@pytest.mark.parametrize("rates", [{}, {"package": 0.0}])
def test_without_errors_all_classes_weigh_the_same(rates: dict[str, float]) -> None:
    assert Ghost(error_rates=rates).class_weights == {}


def test_the_box_of_the_class_that_errs_more_decides() -> None:
    both = (detection(0.7, "person"), detection(0.75))
    assert LeastConfidence().rule(scene(detections=both)) == "person, 0.70 sure"
    weighted = LeastConfidence(error_rates=RATES)
    assert weighted.rule(scene(detections=both)) == "package, 0.75 sure"
    assert weighted.score(scene(detections=both)) == pytest.approx(0.25 * 1.5)


def test_a_class_without_a_rate_weighs_one() -> None:
    assert LeastConfidence(error_rates=RATES).score(scene(detections=(detection(0.6, "dog"),))) == pytest.approx(0.4)


@pytest.mark.parametrize("strategy", [Ghost, LeastConfidence, Margin, Entropy, Uncertain])
def test_every_score_of_boxes_has_them_and_stays_within_one(strategy: type[Ghost]) -> None:
    plain, weighted = strategy(), strategy(error_rates={"package": 0.3, "person": 0.1})
    many = scene(detections=(at(0, 0.6), at(0, 0.58, "person"), at(200, 0.49)))
    few = scene(detections=(at(0, 0.95), at(0, 0.1, "person"), at(200, 0.07)))
    assert plain.score(few) < weighted.score(few) <= weighted.score(many) <= 1


def test_a_classifiers_top_class_is_weighted_too() -> None:
    assert LeastConfidence(error_rates={"cat": 0.3, "dog": 0.1}).score(of_classes(0.8, 0.2)) == pytest.approx(0.3)
