"""Over time: the shortest steps of which most have a figure, and every frame in one of them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.accuracy.review import Review, Totals
from services.feedback.report.trend import trend
from tests.unit.services.feedback.accuracy.making import RIGHT, WRONG, a_review

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 10, 1, 12, tzinfo=UTC)


def lived(days: int, checks_per_day: int) -> tuple[list[Review], dict[tuple[str, str], Totals]]:
    """One frame in ten is drawn, one of ten of them is wrong."""
    drawn, totals = [], {}
    for day in range(days):
        at = FIRST + timedelta(days=day)
        totals["door", at.date().isoformat()] = Totals(10 * checks_per_day)
        for check in range(checks_per_day):
            number = day * checks_per_day + check
            outcome = WRONG if number % 10 == 0 else RIGHT
            drawn.append(a_review(number, outcome, time_ms=round(at.timestamp() * 1000) + check))
    return drawn, totals


@pytest.mark.parametrize(
    ("days", "checks_per_day", "steps", "step_days"),
    [(10, 40, 10, 1), (28, 10, 4, 7), (90, 40, 13, 7), (90, 2, 3, 30), (1, 40, 1, 1)],
)
def test_steps(days: int, checks_per_day: int, steps: int, step_days: int) -> None:
    made = trend(*lived(days, checks_per_day), BERLIN)
    assert len(made) == steps
    assert all(one.rate.refused is None for one in made[1:])
    last = made[-1]
    assert datetime.fromisoformat(last.until) - datetime.fromisoformat(last.since) == timedelta(days=step_days - 1)
    assert sum(one.rate.frames for one in made) == days * checks_per_day * 10


def test_frames_of_1970_beside_those_of_today() -> None:
    made = trend([], {("door", "1970-01-20"): Totals(5), ("door", "2026-11-20"): Totals(7)}, BERLIN)
    assert sum(one.rate.frames for one in made) == 12


def test_too_little_is_refused_and_stays() -> None:
    made = trend(*lived(3, 2), BERLIN)
    assert made
    assert {one.rate.refused for one in made} == {"too_few"}
    assert {one.rate.value for one in made} == {None}


def test_nothing_was_counted() -> None:
    assert trend([], {}, BERLIN) == ()


@given(st.integers(1, 800), st.integers(1, 3))
def test_steps_join_and_lose_no_frame(days: int, checks_per_day: int) -> None:
    made = trend(*lived(days, checks_per_day), BERLIN)
    assert len(made) <= 31
    assert sum(one.rate.frames for one in made) == days * checks_per_day * 10
    for one, following in pairwise(made):
        assert datetime.fromisoformat(following.since) - datetime.fromisoformat(one.until) == timedelta(days=1)


def test_a_day_is_one_of_the_time_zone() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    reviews = [a_review(n, time_ms=round(late.timestamp() * 1000) + n) for n in range(40)]
    (made,) = trend(reviews, {("door", "2026-11-23"): Totals(400)}, BERLIN)
    assert (made.since, made.rate.refused) == ("2026-11-23", None)


def test_drawn_on_a_day_of_which_no_frame_was_counted() -> None:
    drawn, totals = lived(4, 40)
    del totals["door", "2026-10-04"]
    assert [one.rate.refused for one in trend(drawn, totals, BERLIN)][-1] == "no_frames"
