"""disagreement: 1 - F1 of boxes, total variation of class scores, or whether the top classes differ."""

import pytest

from services.sampler.strategies.disagreement import Disagreement
from shared.streams.predictions import Detection
from tests.unit.services.sampler.making import classified, prediction
from tests.unit.services.sampler.strategies.scenes import at, of_classes, scene


def apart(ours: list[Detection], theirs: list[Detection], strategy: Disagreement | None = None) -> float:
    shadow = prediction(detections=tuple(theirs))
    return (strategy or Disagreement()).score(scene(detections=tuple(ours), shadow=shadow))


@pytest.mark.parametrize(
    ("ours", "theirs", "score"),
    [
        ([], [], 0),
        ([at(0)], [at(5)], 0),
        ([at(0)], [], 1),
        ([], [at(0)], 1),
        ([at(0)], [at(0, 0.9, "person")], 1),
        ([at(0), at(100), at(200)], [at(0), at(300)], 0.6),
        ([at(0), at(4)], [at(2)], 1 / 3),
        ([at(0)], [at(0, 0.4)], 1),
    ],
    ids=[
        "both empty",
        "same",
        "only ours",
        "only theirs",
        "other class",
        "some",
        "one partner each",
        "theirs too weak",
    ],
)
def test_one_less_the_f1_of_shown_boxes(ours: list[Detection], theirs: list[Detection], score: float) -> None:
    assert apart(ours, theirs) == pytest.approx(score)


def test_it_is_the_same_from_both_sides() -> None:
    ours, theirs = [at(0), at(6), at(100)], [at(3), at(9), at(200)]
    assert apart(ours, theirs) == apart(theirs, ours) == pytest.approx(1 / 3)


def test_overlap_and_classes_can_be_chosen() -> None:
    ours, theirs = [at(0), at(100, 0.9, "cat")], [at(20)]  # IoU 1/3
    assert apart(ours, theirs) == 1
    assert apart(ours, theirs, Disagreement(iou=0.3, selected_class_names=("package",))) == 0


def test_it_says_how_many_each_saw() -> None:
    both = scene(detections=(at(0), at(100)), shadow=prediction(detections=(at(0),)))
    assert Disagreement().rule(both) == "2 seen here, 1 by the shadow model, 1 of them the same"


def test_classifiers_differ_by_total_variation() -> None:
    both = of_classes(0.7, 0.3, shadow=classified(0.4, 0.5, 0.1))
    assert Disagreement().score(both) == pytest.approx(0.3)
    assert Disagreement().rule(both) == "cat here, cat by the shadow model (0.30 apart)"
    assert Disagreement(selected_class_names=("cat",)).score(both) == pytest.approx(0.15)


def test_classifiers_may_be_compared_by_their_top_classes_alone() -> None:
    strategy = Disagreement(only_top_classes=True)
    turned = classified(0.4, 0.6).model_copy(update={"classes": classified(0.4, 0.6).classes[::-1]})
    assert strategy.score(of_classes(0.9, 0.1, shadow=classified(0.5, 0.4))) == 0
    assert strategy.score(of_classes(0.6, 0.4, shadow=turned)) == 1
    assert strategy.score(of_classes(0.6, 0.4, shadow=classified())) == 1
    assert (
        Disagreement(only_top_classes=True, selected_class_names=("bird",)).score(of_classes(0.6, shadow=turned)) == 0
    )


def test_without_a_shadow_of_the_same_task_there_is_no_interest() -> None:
    assert Disagreement.waits_shadow
    assert Disagreement().score(scene(0.9)) == 0
    assert Disagreement().score(scene(0.9, shadow=classified(0.9))) == 0
