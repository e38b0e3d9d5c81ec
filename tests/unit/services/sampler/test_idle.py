"""Idle: quiet is what the loop has seen, not what the clock says of a pause."""

from services.sampler.idle import MOST_STEP_S, Idle


def test_quiet_grows_by_looks_and_ends_when_something_comes() -> None:
    idle = Idle()
    idle.heard(0)
    idle.heard(1)
    for step in range(5):
        idle.look(step * 0.5)
        idle.settle()
    assert idle.quiet(2.0) == [0, 1]
    idle.heard(1)
    assert idle.quiet(2.0) == [0]
    idle.forget({0})
    assert idle.quiet(0.0) == [1]


def test_a_pause_counts_for_one_step() -> None:
    idle = Idle()
    idle.heard(0)
    idle.look(0.0)
    idle.settle()
    idle.look(3600.0)
    assert idle.quiet(MOST_STEP_S) == [0]
    assert idle.quiet(MOST_STEP_S + 0.1) == []


def test_a_batch_that_is_handed_in_again_and_again_counts_for_one_step() -> None:
    """While a store is away, the partitions that the batch does not hold are paused, not quiet."""
    idle = Idle()
    idle.heard(0)
    for retry in range(100):
        idle.look(retry * 10.0)
    assert idle.quiet(MOST_STEP_S + 0.1) == []
    idle.settle()
    idle.look(1000.5)
    idle.settle()
    idle.look(1001.0)
    assert idle.quiet(1.5) == [0]
