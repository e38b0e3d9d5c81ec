"""The limit on dead letters: half of the recent records is a deploy error, a few are data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.dead_letters import DeadLetterLimit


def flooded(*batches: tuple[int, int], window: int = 10) -> bool:
    limit = DeadLetterLimit(window=window)
    for records, dead in batches:
        limit.count(records, dead)
    return limit.flooded


def test_half_of_the_window_is_a_flood() -> None:
    assert flooded((10, 5))
    assert not flooded((10, 4))


def test_a_window_that_is_not_full_says_nothing() -> None:
    assert not flooded((9, 9))


def test_old_dead_letters_are_forgotten() -> None:
    assert flooded((10, 10))
    assert not flooded((10, 10), (10, 0))


@pytest.mark.parametrize("batches", [[(0, 0)], []])
def test_nothing_is_no_flood(batches: list[tuple[int, int]]) -> None:
    assert not flooded(*batches)


@given(st.lists(st.booleans(), max_size=60))
def test_one_by_one_it_is_the_share_of_the_last_ten(dead: list[bool]) -> None:
    expected = len(dead) >= 10 and sum(dead[-10:]) >= 5
    assert flooded(*((1, int(one)) for one in dead)) == expected
