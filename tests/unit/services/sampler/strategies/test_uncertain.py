"""uncertain: near its threshold, or much left open."""

from math import exp
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.uncertain import Parts, Uncertain
from shared.streams.predictions import Prediction
from tests.unit.services.sampler.strategies.scenes import of_classes, predictions, scene


def mixed(near: float, left_open: float) -> float:
    return 1 - (1 - 0.6 * near) * (1 - 0.6 * left_open)


@pytest.mark.parametrize(
    ("confidences", "near", "least"),
    [
        ((0.5,), 1, 0.5),
        ((0.65,), exp(-1), 0.35),
        ((0.35,), exp(-1), 0),
        ((0.95, 0.45), exp(-1 / 3), 0.05),
        ((0.95, 0.7, 0.2), exp(-4 / 3), 0.3),
        ((1.0,), exp(-10 / 3), 0),
    ],
)
def test_noisy_or_of_near_and_least_confidence(confidences: tuple[float, ...], near: float, least: float) -> None:
    assert Uncertain().score(scene(*confidences)) == pytest.approx(mixed(near, least))


def test_a_classifier_has_near_and_margin_of_its_top_class() -> None:
    assert Uncertain().score(of_classes(0.65, 0.35)) == pytest.approx(mixed(exp(-1), 0.7))
    assert Uncertain(selected_class_names=("dog",)).score(of_classes(0.65, 0.35)) == 0


def test_nothing_seen_no_interest() -> None:
    assert Uncertain().score(scene()) == Uncertain().score(of_classes()) == 0


def test_it_says_what_weighs_more() -> None:
    assert Uncertain().rule(scene(0.52, 0.9)) == "package 0.52, near 0.50"
    assert Uncertain(parts=Parts(near=0)).rule(scene(0.52, 0.9)) == "package, 0.52 sure"
    assert Uncertain().rule(of_classes(0.9, 0.85)) == "cat 0.90 or dog 0.85"
    assert Uncertain().rule(scene(0.7, class_thresholds={"package": 0.72})) == "package 0.70, near 0.72"


def test_parts_can_be_changed_and_left_out() -> None:
    assert Uncertain(parts=Parts(least_confidence=0)).score(scene(0.5)) == pytest.approx(0.6)
    assert Uncertain(parts=Parts(near=1, least_confidence=0)).score(scene(0.5)) == 1
    assert Uncertain(parts=Parts(near=0)).score(scene(0.2)) == 0


@pytest.mark.parametrize("parts", [{"nearr": 0.5}, {"near": 1.1}, {"margin": -0.1}])
def test_parts_that_are_none_are_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Uncertain(parts=Parts(**parts))


@given(predictions("detect"))
def test_the_short_way_is_the_long_way(prediction: Prediction) -> None:
    alike = prediction.model_copy(update={"class_thresholds": {}})
    long_way = prediction.model_copy(update={"class_thresholds": {"nobody": 0.3}})
    for strategy in (Uncertain(), Uncertain(selected_class_names=("cat", "dog"))):
        assert strategy.score(Scene(alike)) == pytest.approx(strategy.score(Scene(long_way)), abs=1e-12)
