"""ghost: the strongest weak box, over its threshold."""

import pytest
from hypothesis import given

from services.sampler.strategies.ghost import Ghost
from services.sampler.strategies.scene import Scene
from shared.streams.predictions import Prediction
from tests.unit.services.sampler.strategies.scenes import of_classes, predictions, scene


@pytest.mark.parametrize(
    ("confidences", "score"),
    [((), 0), ((0.9,), 0), ((0.5,), 0), ((0.4,), 0.8), ((0.2, 0.45, 0.9), 0.9), ((0.04,), 0), ((0.05,), 0.1)],
)
def test_the_strongest_box_below_the_threshold_counts(confidences: tuple[float, ...], score: float) -> None:
    assert Ghost().score(scene(*confidences)) == pytest.approx(score)


def test_it_says_what_was_almost_seen() -> None:
    assert Ghost().rule(scene(0.2, 0.45, 0.9)) == "package 0.45, almost seen (shown from 0.50 on)"


def test_each_class_has_its_threshold() -> None:
    assert Ghost().score(scene(0.6, class_thresholds={"package": 0.8})) == pytest.approx(0.75)


def test_a_classifier_has_no_ghosts() -> None:
    assert Ghost().score(of_classes(0.3)) == 0


@given(predictions("detect"))
def test_the_short_way_is_the_long_way(prediction: Prediction) -> None:
    alike = prediction.model_copy(update={"class_thresholds": {}})
    long_way = prediction.model_copy(update={"class_thresholds": {"nobody": 0.3}})
    assert Ghost().score(Scene(alike)) == Ghost().score(Scene(long_way))
