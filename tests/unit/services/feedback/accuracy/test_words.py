"""Sentences: they never claim more than the interval does, and say what a figure does not."""

from dataclasses import replace
from typing import get_args

import pytest

from services.feedback.accuracy import words
from services.feedback.accuracy.audit import Refusal, RefusalCode
from services.feedback.accuracy.figures import Figure, Metric
from services.feedback.accuracy.paired import Difference
from services.feedback.accuracy.rates import Rate

FIGURE = Figure(
    metric="frame_error_rate",
    value=0.05,
    low=0.0312,
    high=0.0699,
    method="gamma",
    refused=None,
    verified=212,
    on_floor=64,
    frames=40_000,
    coverage=1.0,
    open=0,
    missing=0,
)


def test_the_first_sentence_of_the_page() -> None:
    assert words.says(FIGURE) == (
        "Between 93 and 97 of 100 frames are right, from 212 checked frames, 64 of them random checks."
    )


def test_the_slice_is_named() -> None:
    figure = replace(
        FIGURE, metric="precision", low=0.9, high=1.0, source_id="door", class_name="cat", day="2026-11-23"
    )
    assert words.says(figure).startswith(
        "Between 90 and 100 of 100 boxes of cat from door on 2026-11-23 are right, from 212"
    )
    assert "212 checked boxes" in words.says(figure)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.031, 0.069, "Between 93 and 97 of 100 "),
        (0.0311, 0.0322, "Between 9,678 and 9,689 of 10,000 "),
        (0.001, 0.009, "Between 991 and 999 of 1,000 "),
        (0.0, 1.0, "Between 0 and 100 of 100 "),
        (0.03, 0.07, "Between 93 and 97 of 100 "),
    ],
)
def test_numbers_are_rounded_outwards(low: float, high: float, said: str) -> None:
    assert words.says(replace(FIGURE, low=low, high=high)).startswith(said)


@pytest.mark.parametrize("metric", get_args(Metric))
def test_every_metric_has_its_sentence_and_what_it_does_not_say(metric: Metric) -> None:
    figure = replace(FIGURE, metric=metric)
    assert words.says(figure).startswith("Between ")
    assert words.says_not(figure)[0] == words.SAYS_NOT[metric]


def test_lost_coverage_and_open_frames_are_said() -> None:
    said = words.says_not(replace(FIGURE, coverage=0.97, open=1))
    assert "What 3 % of the frames would have shown" in said[-2]
    assert said[-1] == "What the 1 drawn frame would have shown that nobody has decided."


@pytest.mark.parametrize(
    ("coverage", "said"), [(0.0, "100"), (0.0004, "99.9"), (0.0071, "99"), (0.9, "10"), (0.9999999, "less than 0.01")]
)
def test_lost_coverage_is_told_without_exponents(coverage: float, said: str) -> None:
    assert f"What {said} % of the frames would have shown" in words.says_not(replace(FIGURE, coverage=coverage))[-1]


@pytest.mark.parametrize("code", get_args(RefusalCode))
def test_every_refusal_has_its_words(code: RefusalCode) -> None:
    for more in (1, 12):
        said = words.why_not(Refusal(code, more))
        assert "{" not in said
        assert said.endswith(".")


def test_a_refused_figure_says_how_many_more_and_shows_no_number() -> None:
    refused = replace(FIGURE, value=None, low=None, high=None, method=None, refused=Refusal("too_few", 12))
    assert words.says(refused) == "Too little was checked: 12 more judgements of random checks are needed."
    assert (
        words.why_not(Refusal("too_few", 1))
        == "Too little was checked: one more judgement of a random check is needed."
    )


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (
            Rate(0.03, 0.01, 0.05),
            "V8 is better than v7: it is wrong in 1 to 5 of 100 frames less, from 80 frames that both",
        ),
        (Rate(-0.03, -0.05, -0.01), "V8 is worse than v7: it is wrong in 1 to 5 of 100 frames more, from 80 frames"),
        (Rate(0.0, -0.02, 0.03), "V7 and v8 cannot be told apart yet: v8 is wrong in 3 of 100 frames less, or 2 more"),
    ],
)
def test_two_versions_are_compared_in_words(rate: Rate, said: str) -> None:
    difference = Difference(rate, Rate(0, 0, 0), Rate(0, 0, 0), "gamma", 80, 40)
    assert words.compares(difference, "v7", "v8").startswith(said)
