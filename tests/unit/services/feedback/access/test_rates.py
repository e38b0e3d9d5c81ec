"""How often one caller may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.access.rates import MOST_BUCKETS, Rate
from services.feedback.refusals import TooMany


class Time:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def taken(rate: Rate, name: str, times: int) -> int:
    count = 0
    for _ in range(times):
        try:
            rate.take(name, "x")
        except TooMany:
            continue
        count += 1
    return count


def test_a_burst_and_then_what_time_gives() -> None:
    time = Time()
    rate = Rate(10, 20, time)
    assert taken(rate, "a", 50) == 20
    time.now_s += 0.5
    assert taken(rate, "a", 50) == 5
    assert taken(rate, "b", 50) == 20


def test_it_says_when_there_is_room_again() -> None:
    time = Time()
    rate = Rate(0.5, 1, time)
    rate.take("a", "x")
    with pytest.raises(TooMany) as caught:
        rate.take("a", "x")
    time.now_s += caught.value.retry_after_s
    rate.take("a", "x")


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_over_any_time_no_more_than_the_rate_and_one_burst(steps: list[float]) -> None:
    time, per_s, burst = Time(), 3.0, 5.0
    rate = Rate(per_s, burst, time)
    count = 0
    for step in steps:
        time.now_s += step
        count += taken(rate, "a", 10)
    assert count <= per_s * sum(steps) + burst + 1e-6


def test_names_without_end_take_no_memory_without_end() -> None:
    rate = Rate(1, 1, Time())
    for number in range(MOST_BUCKETS + 100):
        rate.take(str(number), "x")
    assert len(rate._buckets) == MOST_BUCKETS


def test_zero_is_no_limit() -> None:
    assert taken(Rate(0, 0, Time()), "a", 10_000) == 10_000
