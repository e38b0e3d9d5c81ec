"""margin: the two best classes, of a classifier or of boxes in one place."""

from random import Random

import pytest

from services.sampler.strategies import margin
from services.sampler.strategies.margin import Margin
from tests.unit.services.sampler.strategies.scenes import at, of_classes, scene


def test_a_classifiers_two_best_classes() -> None:
    assert Margin().score(of_classes(0.5, 0.4, 0.1)) == pytest.approx(0.9)
    assert Margin().rule(of_classes(0.5, 0.4, 0.1)) == "cat 0.50 or dog 0.40"


def test_a_class_that_stands_alone_is_compared_with_nothing() -> None:
    assert Margin().score(of_classes(0.8)) == pytest.approx(0.2)
    assert Margin().rule(of_classes(0.8)) == "cat 0.80 or something else"


def test_a_box_has_a_rival_where_another_class_claims_its_place() -> None:
    rivals = scene(detections=(at(0, 0.8), at(4, 0.3, "person"), at(4, 0.2, "cat")))
    assert Margin().score(rivals) == pytest.approx(0.5)
    assert Margin().rule(rivals) == "package 0.80 or person 0.30"


@pytest.mark.parametrize(
    "others", [(), (at(4, 0.3),), (at(200, 0.3, "person"),)], ids=["alone", "same class", "elsewhere"]
)
def test_a_box_without_a_rival_is_no_interest(others: tuple[object, ...]) -> None:
    assert Margin().score(scene(detections=(at(0, 0.8), *others))) == 0


def test_boxes_that_are_not_shown_are_rivals_and_have_none() -> None:
    assert Margin().score(scene(detections=(at(0, 0.4), at(4, 0.3, "person")))) == 0


def test_how_much_of_a_place_two_boxes_must_share() -> None:
    apart = scene(detections=(at(0, 0.8), at(20, 0.7, "person")))  # IoU 1/3
    assert Margin().score(apart) == 0
    assert Margin(iou=0.3).score(apart) == pytest.approx(0.9)


def test_selected_classes_are_doubted_and_any_class_is_their_rival() -> None:
    rivals = scene(detections=(at(0, 0.8), at(4, 0.3, "person")))
    assert Margin(selected_class_names=("package",)).score(rivals) == pytest.approx(0.5)
    assert Margin(selected_class_names=("person",)).score(rivals) == 0


@pytest.mark.parametrize("iou", [0.01, 0.5, 1.0])
def test_in_a_crowd_the_rivals_are_those_of_all_pairs(iou: float, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = Random(3)
    for _ in range(50):
        crowd = scene(
            detections=tuple(
                at(dice.choice([dice.uniform(0, 300), 7.3]), dice.random(), dice.choice(["package", "person"]))
                for _ in range(40)
            )
        )
        found = Margin(iou=iou).score(crowd)
        monkeypatch.setattr(margin, "CROWD", 1000)
        assert found == Margin(iou=iou).score(crowd)
        monkeypatch.undo()
