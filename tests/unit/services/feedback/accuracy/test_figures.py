"""Figures of a window: which there are, what each says of itself, and that a value and a refusal never stand together."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feedback.accuracy.audit import Refusal
from services.feedback.accuracy.figures import Figure, figures, utc_day
from services.feedback.accuracy.review import Outcome, Review, Totals
from tests.unit.services.feedback.accuracy.making import a_review

DAY_MS = 86_400_000
MONDAY, TUESDAY = "2026-11-23", "2026-11-24"
START_MS = 1_795_392_000_000
"""Monday, 0 h UTC."""


def seen(number: int, source_id: str = "door", day: int = 0, wrong: bool = False, **changes: Any) -> Review:
    false = {"dog": 1} if wrong else {}
    outcome = Outcome(wrong, {"cat": 1}, false, boxes_judged=True, missed={})
    return a_review(number, outcome, source_id=source_id, time_ms=START_MS + day * DAY_MS, **changes)


def window() -> tuple[list[Review], dict[tuple[str, str], Totals]]:
    """Two sources over two days; 60 drawn of 600 frames in each of the four."""
    drawn = [
        seen(1_000 * (2 * day + (source == "yard")) + i, source, day, wrong=i < 6)
        for source in ("door", "yard")
        for day in (0, 1)
        for i in range(60)
    ]
    each = Totals(600, 10, {"cat": 600, "dog": 60})
    return drawn, {(source, day): each for source in ("door", "yard") for day in (MONDAY, TUESDAY)}


def one(made: list[Figure], metric: str, **slice_: str) -> Figure:
    wanted = {"source_id": None, "class_name": None, "day": None} | slice_
    (found,) = (f for f in made if f.metric == metric and all(getattr(f, k) == v for k, v in wanted.items()))
    return found


def test_the_days_of_the_tests_are_what_they_say() -> None:
    assert [utc_day(START_MS), utc_day(START_MS + DAY_MS)] == [MONDAY, TUESDAY]


def test_there_is_a_figure_of_everything_of_each_source_class_and_day() -> None:
    made = figures(*window())
    slices = {(f.source_id, f.class_name, f.day) for f in made}
    alone = [("door", None, None), ("yard", None, None), (None, "cat", None), (None, "dog", None)]
    assert slices == {(None, None, None), *alone, (None, None, MONDAY), (None, None, TUESDAY)}
    assert len(made) == 5 + 2 + 4 * 4


def test_a_slice_is_of_its_own_frames_and_reviews() -> None:
    made = figures(*window())
    everything, door, monday = (
        one(made, "frame_error_rate"),
        one(made, "frame_error_rate", source_id="door"),
        one(made, "frame_error_rate", day=MONDAY),
    )
    assert (everything.frames, everything.verified, everything.on_floor) == (2_400, 240, 240)
    assert (door.frames, door.verified) == (monday.frames, monday.verified) == (1_200, 120)
    assert everything.value == door.value == monday.value == pytest.approx(0.1)
    assert (everything.low or 0) > (door.low or 1)


def test_precision_says_of_how_many_boxes_it_is() -> None:
    made = figures(*window())
    cat, both = one(made, "precision", class_name="cat"), one(made, "precision")
    assert (cat.shown, cat.value, cat.method) == (2_400, 1.0, "gamma")
    assert both.shown == 2_640
    assert both.value == pytest.approx(1 - 240 / 2_640)
    assert one(made, "precision", class_name="dog").refused == Refusal("too_few", 6)


def test_a_source_that_was_never_drawn_is_refused_and_still_listed() -> None:
    drawn, totals = window()
    made = figures(drawn, {**totals, ("new", TUESDAY): Totals(5)})
    new = one(made, "frame_error_rate", source_id="new")
    assert (new.refused, new.value, new.frames, new.verified) == (Refusal("too_few", 30), None, 5, 0)


def test_a_source_that_was_never_counted_is_refused() -> None:
    drawn, totals = window()
    stray = [seen(9_000 + i, "stray") for i in range(40)]
    made = figures([*drawn, *stray], totals)
    assert one(made, "frame_error_rate", source_id="stray").refused == Refusal("no_frames")


def test_a_days_floor_is_the_windows_and_a_sources_its_own() -> None:
    drawn, totals = window()
    thin = [seen(9_000, "yard", 1, floor_probability=0.01)]
    before, after = figures(drawn, totals), figures([*drawn, *thin], totals)
    for slice_, wider in (({"day": MONDAY}, True), ({"source_id": "door"}, False)):
        was, is_ = one(before, "frame_error_rate", **slice_).high, one(after, "frame_error_rate", **slice_).high
        assert ((is_ or 0) > (was or 1)) == wider


def test_an_own_clock_makes_the_days() -> None:
    drawn, totals = window()
    made = figures(drawn, totals, day_of=lambda time_ms: TUESDAY)
    assert one(made, "frame_error_rate", day=MONDAY).refused == Refusal("too_few", 30)


def test_nothing_at_all_is_refused_not_an_error() -> None:
    assert {figure.refused for figure in figures([], {})} == {Refusal("no_frames")}


@given(
    right=st.integers(0, 80),
    wrong=st.integers(0, 80),
    open_=st.integers(0, 30),
    missing=st.integers(0, 30),
    frames=st.integers(0, 3_000),
)
@settings(max_examples=60, deadline=None)
def test_a_figure_has_a_value_in_its_interval_or_a_reason(
    right: int, wrong: int, open_: int, missing: int, frames: int
) -> None:
    drawn = [seen(i, wrong=i < wrong) for i in range(wrong + right)]
    drawn += [a_review(5_000 + i, None) for i in range(open_)]
    drawn += [a_review(6_000 + i, None, missing="limit:day") for i in range(missing)]
    for figure in figures(drawn, {("door", MONDAY): Totals(frames, 0, {"cat": frames, "dog": frames})}):
        ends = figure.low, figure.value, figure.high
        assert (figure.refused is None) == (None not in ends) == (figure.method is not None)
        assert 0 <= figure.coverage <= 1
        if figure.refused is None:
            assert 0 <= (figure.low or 0) <= (figure.value or 0) <= (figure.high or 0) <= 1
            assert figure.on_floor >= 30
