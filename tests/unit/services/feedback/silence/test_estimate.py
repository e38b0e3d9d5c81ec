"""P(right | nobody objected), from drawn frames that were shown and not rejected."""

import numpy as np
import pytest

from services.feedback.accuracy.audit import Refusal
from services.feedback.accuracy.estimates import Estimate
from services.feedback.accuracy.review import Review
from services.feedback.silence.estimate import all_errors, right_when_silent
from tests.unit.services.feedback.accuracy.making import RIGHT, WRONG, a_review

FLOOR = 0.05


def shown_to_people(seed: int, frames: int = 20_000) -> tuple[list[Review], set[tuple[str, str]], float]:
    """A tenth is wrong, half is shown, people reject 40 % of what is wrong; one in twenty is drawn and audited.

    The reviews, who was silent, and how many of the silent ones are right.
    """
    dice = np.random.default_rng(seed)
    wrong, shown, drawn = (dice.random(frames) < share for share in (0.1, 0.5, FLOOR))
    silent = shown & ~(wrong & (dice.random(frames) < 0.4))
    outcomes = (WRONG if one else RIGHT for one in wrong)
    reviews = [a_review(i, outcome, FLOOR) for i, outcome in enumerate(outcomes) if drawn[i]]
    named = {(f"frame-{i}", "model") for i in np.flatnonzero(silent)}
    return reviews, named, float(1 - wrong[silent].mean())


def test_the_interval_holds_the_truth() -> None:
    held = 0
    for seed in range(20):
        reviews, silent, truth = shown_to_people(seed)
        found = right_when_silent(reviews, silent, FLOOR)
        assert isinstance(found, Estimate)
        held += found.rate.low <= truth <= found.rate.high
        assert found.rate.high - found.rate.low < 0.15
    assert held >= 18


def test_few_audited_frames_give_no_number() -> None:
    reviews, silent, _ = shown_to_people(1, frames=400)
    assert isinstance(right_when_silent(reviews, silent, FLOOR), Refusal)


def test_capture_and_recapture() -> None:
    assert all_errors(40, 50, 20) == pytest.approx(98.57, abs=0.01)
