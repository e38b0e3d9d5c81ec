"""class_contains: seen, and seen surely enough."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.sampler.strategies.class_contains import ClassContains
from tests.unit.services.sampler.making import detection
from tests.unit.services.sampler.strategies.scenes import of_classes, scene

PEOPLE = ClassContains(selected_class_names=("person", "cat"))


@pytest.mark.parametrize(("confidence", "score"), [(0.5, 1), (0.49, 0)])
def test_a_box_counts_once_the_product_shows_it(confidence: float, score: float) -> None:
    assert PEOPLE.score(scene(detections=(detection(0.9), detection(confidence, "person")))) == score


def test_it_names_the_surest() -> None:
    both = (detection(0.6, "cat"), detection(0.8, "person"), detection(0.9))
    assert PEOPLE.rule(scene(detections=both)) == "person seen (0.80)"


def test_a_minimum_of_its_own() -> None:
    weak = ClassContains(selected_class_names=("package",), minimum_confidence=0.2)
    assert weak.score(scene(0.2, class_thresholds={"package": 0.9})) == 1
    assert weak.score(scene(0.19)) == 0


def test_a_classifiers_top_class_whatever_its_confidence() -> None:
    assert PEOPLE.score(of_classes(0.35, 0.33)) == 1
    assert ClassContains(selected_class_names=("dog",)).score(of_classes(0.5, 0.45)) == 0
    assert ClassContains(selected_class_names=("cat",), minimum_confidence=0.6).score(of_classes(0.5)) == 0


@pytest.mark.parametrize("options", [{}, {"selected_class_names": ()}])
def test_it_wants_classes(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ClassContains(**options)
