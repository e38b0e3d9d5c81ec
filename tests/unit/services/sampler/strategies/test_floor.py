"""random and every_nth: the probability they state is the one they keep."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.sampler.strategies import REGISTRY, Dice, Strategy
from services.sampler.strategies.every_nth import EveryNth
from services.sampler.strategies.random_fraction import RandomFraction
from shared.streams import ids
from tests.unit.services.sampler.making import SALT
from tests.unit.services.sampler.strategies.scenes import scene

DICE: Dice = partial(ids.draw, SALT, "draw", "default", "floor")


def fires(strategy: Strategy, probability: float | None = None, **more: Any) -> bool:
    return strategy.fires(scene(**more), DICE, probability or strategy.fixed or 1.0)


def test_random_draws_the_stated_fraction_and_says_so_in_words() -> None:
    strategy = RandomFraction(fraction=0.02)
    drawn = sum(fires(strategy, frame_id=f"{i:032x}") for i in range(20_000))
    assert drawn == pytest.approx(400, abs=4 * 400**0.5)
    assert (strategy.fixed, strategy.score(scene()), strategy.rule(scene())) == (0.02, 1.0, "a random check (1 in 50)")


@pytest.mark.parametrize("options", [{"budget": "30/day"}, {"share": 0.3}])
def test_random_may_leave_how_often_to_the_plan(options: dict[str, Any]) -> None:
    strategy = RandomFraction(**options)
    assert (strategy.fixed, strategy.score(scene()), strategy.rule(scene())) == (None, 1.0, "a random check")
    assert fires(strategy, 0.999999) is True


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "expected one of fraction, budget and share, got none"),
        ({"fraction": 0.1, "share": 0.3}, "got fraction and share"),
        ({"budget": "3/day", "share": 0.3}, "got budget and share"),
        ({"probability": 0.1}, "expected `fraction`"),
    ],
)
def test_random_wants_one_amount(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        RandomFraction(**options)


@given(st.sampled_from([1, 2, 8, 64, 256]), st.integers(0, 50), st.text(min_size=1, max_size=20))
def test_every_nth_draws_exactly_one_frame_of_each_block(n: int, block: int, source_id: str) -> None:
    strategy = EveryNth(n=n)
    assert strategy.fixed == 1 / n
    assert sum(fires(strategy, frame_index=block * n + i, source_id=source_id) for i in range(n)) == 1


def test_every_nth_does_not_pick_the_same_place_in_each_block() -> None:
    strategy = EveryNth(n=16)
    picked = [i % 16 for i in range(16 * 64) if fires(strategy, frame_index=i)]
    assert len(picked) == 64
    assert len(set(picked)) > 8


def test_every_nth_without_an_index_is_an_independent_draw() -> None:
    strategy = EveryNth(n=8)
    assert sum(fires(strategy, frame_id=f"{i:032x}") for i in range(8_000)) == pytest.approx(1000, abs=120)


@pytest.mark.parametrize("probability", [0.001, 0.9])
def test_every_nth_goes_by_its_blocks_whatever_probability_it_is_told(probability: float) -> None:
    assert sum(fires(EveryNth(n=8), probability, frame_index=i) for i in range(8)) == 1


@pytest.mark.parametrize("option", [{"probability": 0.5}, {"budget": "3/day"}, {"share": 0.5}])
def test_every_nth_knows_n_alone(option: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected `n` alone"):
        EveryNth(n=8, **option)


@pytest.mark.parametrize("n", [0, 3, 100, -1])
def test_every_nth_wants_a_power_of_two(n: int) -> None:
    with pytest.raises(ValidationError):
        EveryNth(n=n)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.5, float("nan")])
def test_random_wants_a_fraction(fraction: float) -> None:
    with pytest.raises(ValidationError):
        RandomFraction(fraction=fraction)


def test_the_floor_is_what_no_rule_depends_on() -> None:
    assert {name for name, strategy in REGISTRY.items() if strategy.floor} == {"random", "every_nth"}
