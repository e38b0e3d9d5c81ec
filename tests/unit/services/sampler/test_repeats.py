"""Repeats: skips what was seen, serves what it cannot know, and is not fooled by a batch that comes again."""

from hypothesis import given
from hypothesis import strategies as st

from services.sampler.repeats import Repeats
from shared.streams.tallies import WINDOW


def test_a_batch_that_is_handed_in_again_is_not_its_own_repeat() -> None:
    repeats = Repeats()
    for _ in range(2):
        repeats.begin()
        assert repeats.meet("m", 0, 5) == "new"
    repeats.settle()
    repeats.begin()
    assert repeats.meet("m", 0, 5) == "seen"


def test_partitions_and_models_are_apart_and_forgetting_serves_again() -> None:
    repeats = Repeats()
    repeats.meet("m", 0, 5)
    repeats.settle()
    assert repeats.meet("m", 1, 5) == "new"
    assert repeats.meet("other", 0, 5) == "new"
    repeats.forget({0})
    repeats.begin()
    assert repeats.meet("m", 0, 5) == "new"


@given(st.lists(st.integers(0, 3 * WINDOW), max_size=300))
def test_nothing_is_skipped_that_was_not_served(offsets: list[int]) -> None:
    repeats, served = Repeats(), set[int]()
    for offset in offsets:
        novelty = repeats.meet("m", 0, offset)
        if novelty == "seen":
            assert offset in served
        if novelty == "new":
            assert offset not in served
        served.add(offset)
