from hypothesis import given
from hypothesis import strategies as st

from services.sources.cameras.clock import MOST_BEHIND_S, LiveClock, Pace, Rate

NOW_S = 1_800_000_000.0
ARRIVALS = st.tuples(st.one_of(st.none(), st.floats(-1e9, 1e9)), st.floats(0, 120))


@given(st.lists(ARRIVALS, min_size=1, max_size=80))
def test_never_in_the_future_nor_long_ago_nor_back(arrivals: list[tuple[float | None, float]]) -> None:
    clock, now_s, before_s = LiveClock(), NOW_S, 0.0
    for stream_s, later_s in arrivals:
        now_s += later_s
        captured_s = clock.captured_s(stream_s, now_s)
        assert now_s - MOST_BEHIND_S - 1e-3 <= captured_s <= now_s
        assert captured_s >= before_s
        before_s = captured_s


@given(st.lists(st.floats(0, 2), min_size=100, max_size=200), st.floats(-0.001, 0.001))
def test_jitter_is_taken_out_and_drift_followed(delays_s: list[float], drift: float) -> None:
    """A picture a second, late by up to 2 s, by a clock that is up to 3.6 s an hour wrong: exact to the least delay seen."""
    clock = LiveClock()
    for number, delay_s in enumerate(delays_s):
        was_s = NOW_S + number
        captured_s = clock.captured_s(number * (1 + drift), was_s + delay_s)
        least_s = min(delays_s[max(0, number - 29) : number + 1])
        assert captured_s <= was_s + max(least_s, 0) + 0.1 or number < 30
        assert captured_s >= was_s - 0.1


def test_a_host_clock_that_is_set_back_is_followed() -> None:
    clock = LiveClock()
    clock.captured_s(1.0, NOW_S)
    assert clock.captured_s(2.0, NOW_S - 3600) == NOW_S - 3600


def test_a_stream_that_begins_again_goes_on_at_once() -> None:
    clock = LiveClock()
    clock.captured_s(0.0, NOW_S)
    clock.captured_s(4.0, NOW_S + 4)
    assert clock.captured_s(0.0, NOW_S + 4.5) == NOW_S + 4.5
    assert clock.captured_s(0.5, NOW_S + 5) == NOW_S + 5


def test_a_segment_that_comes_at_once_keeps_its_distances() -> None:
    clock = LiveClock()
    for second in range(4):
        clock.captured_s(float(second), NOW_S + 4)
    came = [clock.captured_s(second, NOW_S + 8) for second in (4.0, 5.0, 6.0, 7.0)]
    assert came == [NOW_S + 5, NOW_S + 6, NOW_S + 7, NOW_S + 8]


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(-1e6, 1e6)), st.floats(0, 100)), max_size=50))
def test_pace_never_asks_for_a_long_wait(packets: list[tuple[float | None, float]]) -> None:
    pace, now_s = Pace(), 0.0
    for stream_s, later_s in packets:
        now_s += later_s
        assert pace.due_s(stream_s, now_s) - now_s <= MOST_BEHIND_S + 1e-6


def test_pace_is_the_recordings_own() -> None:
    pace = Pace()
    assert [pace.due_s(stream_s, 100.0) for stream_s in (7.0, 7.5, 8.0)] == [100.0, 100.5, 101.0]


def test_rate_is_known_after_a_while() -> None:
    rate = Rate()
    seen = [rate.saw(number / 10) for number in range(31)]
    assert seen[:20] == [None] * 20
    assert seen[30] is not None
    assert abs(seen[30] - 10) < 0.01
