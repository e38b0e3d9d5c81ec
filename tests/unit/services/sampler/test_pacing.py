"""Pacing: a burst is free, then calls are spread; the stretch goes by how fast epochs pass; runs are planned ahead."""

from hypothesis import given
from hypothesis import strategies as st

from services.sampler.pacing import BURST, MOST_CALLS_PER_S, MOST_EPOCHS, Pace, Stretch, ahead


class Hands:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now_s(self) -> float:
        return self.time_s

    def wait_s(self, seconds: float) -> None:
        self.time_s += seconds


def test_calls_are_spread_after_a_burst() -> None:
    hands = Hands()
    pace = Pace(hands.now_s, hands.wait_s)
    for _ in range(BURST + 100):
        pace.take()
    assert 100 / MOST_CALLS_PER_S * 0.99 <= hands.time_s <= 100 / MOST_CALLS_PER_S * 1.01


def plans(stretch: Stretch, pace: Pace, epochs: int) -> int:
    epochs_at_once = stretch.begin(pace)
    for _ in range(5):
        pace.take()
    stretch.end(pace, epochs)
    return epochs_at_once


def test_live_one_epoch_is_planned_at_a_time() -> None:
    hands = Hands()
    pace = Pace(hands.now_s, hands.wait_s)
    stretch = Stretch()
    for _ in range(10):
        hands.time_s += 1.0
        assert plans(stretch, pace, epochs=1) == 1


def test_while_epochs_fly_by_a_stretch_lasts_for_the_calls_that_it_takes() -> None:
    """A thousand epochs a second, five calls each time: half a second's worth is planned at once."""
    hands = Hands()
    pace = Pace(hands.now_s, hands.wait_s)
    stretch = Stretch()
    plans(stretch, pace, epochs=300)
    hands.time_s += 0.3
    assert stretch.begin(pace) == 500


def test_two_batches_at_once_are_no_catching_up() -> None:
    """At a start what lay there comes as one batch and what came meanwhile as the next: no plan for half a minute of it."""
    hands = Hands()
    pace = Pace(hands.now_s, hands.wait_s)
    stretch = Stretch()
    plans(stretch, pace, epochs=2)
    hands.time_s += 0.02
    assert stretch.begin(pace) == 4


def test_collections_share_the_calls() -> None:
    hands = Hands()
    pace = Pace(hands.now_s, hands.wait_s)
    pace.collections = 2
    first, second = Stretch(), Stretch()
    plans(first, pace, epochs=600)
    plans(second, pace, epochs=600)
    hands.time_s += 0.6
    assert first.begin(pace) == second.begin(pace) == 1000


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=500), st.integers(1, 10**5))
def test_what_is_planned_ahead_is_bounded_and_holds_what_is_needed(epochs: set[int], stretch: int) -> None:
    planned = ahead(epochs, stretch)
    assert epochs <= planned
    assert len(planned) <= len(epochs) + MOST_EPOCHS


def test_partitions_that_catch_up_from_different_times_each_go_on() -> None:
    planned = ahead({10, 11, 12, 5000, 5001}, 100)
    assert planned == {10, 11, *range(12, 112), 5000, *range(5001, 5101)}
