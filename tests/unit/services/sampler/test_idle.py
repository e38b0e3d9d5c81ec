"""Idle: quiet is what the loop has seen, not what the clock says of a pause."""

from services.sampler.idle import MOST_STEP_S, Idle


def test_quiet_grows_by_looks_and_ends_when_something_comes() -> None:
    idle = Idle()
    idle.heard(0)
    idle.heard(1)
    for step in range(5):
        idle.look(step * 0.5)
    assert idle.quiet(2.0) == [0, 1]
    idle.heard(1)
    assert idle.quiet(2.0) == [0]
    idle.forget({0})
    assert idle.quiet(0.0) == [1]


def test_a_pause_counts_for_one_step() -> None:
    idle = Idle()
    idle.heard(0)
    idle.look(0.0)
    idle.look(3600.0)
    assert idle.quiet(MOST_STEP_S) == [0]
    assert idle.quiet(MOST_STEP_S + 0.1) == []
