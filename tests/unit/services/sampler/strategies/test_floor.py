"""random and every_nth: the probability they state is the one they keep."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.sampler.strategies import REGISTRY, Dice
from services.sampler.strategies.every_nth import EveryNth
from services.sampler.strategies.random_fraction import RandomFraction
from shared.streams import ids
from tests.unit.services.sampler.making import SALT, prediction

DICE: Dice = partial(ids.draw, SALT, "draw", "default", "floor")


def test_random_draws_the_stated_fraction_and_says_so_in_words() -> None:
    strategy = RandomFraction(fraction=0.02)
    looks = [strategy.look(prediction(frame_id=f"{i:032x}"), DICE) for i in range(20_000)]
    assert sum(look.fired for look in looks) == pytest.approx(400, abs=4 * 400**0.5)
    assert {look.probability for look in looks} == {0.02}
    assert {look.rule for look in looks if look.fired} == {"a random check (1 in 50)"}


@given(st.sampled_from([1, 2, 8, 64, 256]), st.integers(0, 50), st.text(min_size=1, max_size=20))
def test_every_nth_draws_exactly_one_frame_of_each_block(n: int, block: int, source_id: str) -> None:
    strategy = EveryNth(n=n)
    of_block = [prediction(frame_index=block * n + i, source_id=source_id) for i in range(n)]
    looks = [strategy.look(one, DICE) for one in of_block]
    assert sum(look.fired for look in looks) == 1
    assert {look.probability for look in looks} == {1 / n}


def test_every_nth_does_not_pick_the_same_place_in_each_block() -> None:
    strategy = EveryNth(n=16)
    picked = [i % 16 for i in range(16 * 64) if strategy.look(prediction(frame_index=i), DICE).fired]
    assert len(picked) == 64
    assert len(set(picked)) > 8


def test_every_nth_without_an_index_is_an_independent_draw() -> None:
    strategy = EveryNth(n=8)
    looks = [strategy.look(prediction(frame_id=f"{i:032x}"), DICE) for i in range(8_000)]
    assert sum(look.fired for look in looks) == pytest.approx(1000, abs=120)


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
