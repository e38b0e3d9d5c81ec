"""entropy: binary for boxes, of all classes for classifiers."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.sampler.strategies.entropy import Entropy, binary, of_classes
from tests.unit.services.sampler.strategies import scenes
from tests.unit.services.sampler.strategies.scenes import scene


@pytest.mark.parametrize(("p", "bits"), [(0, 0), (1, 0), (0.5, 1), (0.11, 0.49992)])
def test_binary_entropy(p: float, bits: float) -> None:
    assert binary(p) == pytest.approx(bits, abs=1e-4)


@pytest.mark.parametrize(
    ("scores", "entropy"),
    [
        ((0.5, 0.5), 1),
        ((0.25,) * 4, 1),
        ((1.0, 0.0), 0),
        ((0.5, 0.5, 0.0), 0.6309),
        ((1.0,), 0),
        ((), 0),
        ((0.0, 0.0), 0),
    ],
)
def test_entropy_of_classes_is_one_where_all_are_alike(scores: tuple[float, ...], entropy: float) -> None:
    assert of_classes(scores) == pytest.approx(entropy, abs=1e-4)


def test_what_the_carried_classes_lack_to_one_is_a_class_more() -> None:
    assert of_classes((0.5,)) == pytest.approx(1)
    assert of_classes((0.5, 0.25)) == of_classes((0.5, 0.25, 0.25))


@given(st.lists(st.floats(0, 1), max_size=6))
@example([1.0, 1.0, 5e-324])
def test_entropy_of_any_numbers_is_a_score(scores: list[float]) -> None:
    assert 0 <= of_classes(scores) <= 1


def test_the_most_open_box_decides_shown_or_not() -> None:
    assert Entropy().score(scene(0.9, 0.45)) == pytest.approx(binary(0.45))
    assert Entropy().rule(scene(0.9, 0.45)) == "package 0.45, much left open"


def test_noise_is_left_out() -> None:
    assert Entropy().score(scene(0.04)) == 0
    assert Entropy(at_least=0.5).score(scene(0.45)) == 0


def test_sum_and_mean() -> None:
    h = binary(0.9)
    assert Entropy(aggregation="sum").score(scene(0.9, 0.9)) == pytest.approx(1 - (1 - h) ** 2)
    assert Entropy(aggregation="mean").score(scene(0.9, 0.9)) == pytest.approx(h)


def test_a_classifier() -> None:
    assert Entropy().score(scenes.of_classes(0.5, 0.5)) == pytest.approx(1)
    assert Entropy().rule(scenes.of_classes(0.5, 0.4, 0.1)) == "cat 0.50, much left open"
    assert Entropy(selected_class_names=("dog",)).score(scenes.of_classes(0.6, 0.4)) == 0
