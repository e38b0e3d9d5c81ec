"""Backoff: grows to its bound, with jitter, and begins again after a reset."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.retry import Backoff


@given(first_s=st.floats(0.001, 5), most_s=st.floats(5, 600), factor=st.floats(1.1, 10), tries=st.integers(1, 200))
def test_every_wait_lies_within_a_quarter_below_its_step(
    first_s: float, most_s: float, factor: float, tries: int
) -> None:
    backoff, step_s = Backoff(first_s, most_s, factor), first_s
    for _ in range(tries):
        wait_s = backoff.next_s()
        assert 0.75 * step_s <= wait_s * 1.000001
        assert wait_s <= step_s * 1.000001
        assert wait_s <= most_s
        step_s = min(most_s, step_s * factor)


def test_a_reset_begins_again() -> None:
    backoff = Backoff(first_s=1.0, most_s=64.0)
    waits = [backoff.next_s() for _ in range(8)]
    assert waits[-1] >= 48.0
    backoff.reset()
    assert backoff.next_s() <= 1.0


def test_replicas_do_not_knock_at_once() -> None:
    assert len({Backoff().next_s() for _ in range(20)}) > 1
