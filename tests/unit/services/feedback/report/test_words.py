"""Sentences of the report: they follow from the figure beside them, also where there is one, none, or hardly any."""

import pytest

from services.feedback.report import words
from services.feedback.report.content import Flow, Silence
from services.feedback.report.words import NBSP
from tests.unit.services.feedback.report.made import report, told


@pytest.mark.parametrize(
    ("days", "said"),
    [(7, "7 days"), (1, "day"), (0.5, "12 hours"), (1 / 24, "hour"), (10 / 1440, "10 minutes"), (1 / 1440, "minute")],
)
def test_a_span(days: float, said: str) -> None:
    assert words.span(days) == said


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.029, 0.0121, 0.0579, f"2.9{NBSP}% (1.2 to 5.8{NBSP}%)"),
        (0.00041, 0.00012, 0.0021, f"0.041{NBSP}% (0.012 to 0.210{NBSP}%)"),
        (0.9996, 0.9971, 0.99991, f"99.96{NBSP}% (99.71 to 100.00{NBSP}%)"),
        (0.0, 0.0, 0.0, f"0.000{NBSP}% (0.000 to 0.000{NBSP}%)"),
        (0.0, 0.0, 1.0, f"0.0{NBSP}% (0.0 to 100.0{NBSP}%)"),
    ],
)
def test_a_rate_has_the_digits_that_its_interval_allows(value: float, low: float, high: float, said: str) -> None:
    assert words.value(told(value, low=low, high=high)) == said


def test_what_has_no_image_is_not_rounded_away() -> None:
    figure = told(coverage=0.99996, missing=3)
    assert words.covered(figure).startswith(f"Frames with an image speak for 99.9{NBSP}% of all frames. 3 drawn")
    assert words.about(report(figures=(figure,))).endswith(f"coverage 99.9{NBSP}%")
    assert words.covered(told()).startswith(f"Frames with an image speak for 100.0{NBSP}%")


def test_a_limit_is_told_as_it_was_set() -> None:
    assert f": 0.05{NBSP}%)" in words.alert("frame_error_rate", 0.0005, "")
    assert f": 30{NBSP}%)" in words.alert("frame_error_rate", 0.3, "")


def test_labelling_a_few_images_takes_more_than_nothing() -> None:
    told_hours = [words.hours(count) for count in (0.0, 12 / 3600, 0.5, 1.5)]
    assert told_hours == [f"0{NBSP}min", f"12{NBSP}s", f"30{NBSP}min", f"1.5{NBSP}h"]


def test_one_is_told_as_one() -> None:
    assert words.waiting(Flow(pending=1)) == "1 waits to be sent"
    assert words.waiting(Flow(pending=2)) == "2 wait to be sent"
    one, many = (Silence(shown=n, objected=n, affirmed=n, judged=n) for n in (1, 2))
    assert words.silent(one) == [
        "1 prediction of this version was shown to people; 1 was rejected in time.",
        "1 held one became a label because nobody objected.",
    ]
    assert words.silent(many) == [
        "2 predictions of this version were shown to people; 2 were rejected in time.",
        "2 held ones became labels because nobody objected.",
    ]
