"""Estimate: how often is a prediction right that people were shown and did not reject? Without a model of people. Pure.

Source: SCIENCE F: the Horvitz-Thompson accuracy (B.4) of drawn frames that were shown and not rejected. It holds whatever share
of the errors people reject, because each of these frames was drawn with a known probability and audited.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from services.feedback.accuracy.audit import Refusal
from services.feedback.accuracy.estimates import Estimate, frame_error_rate
from services.feedback.accuracy.review import Review

SilentOnes = Collection[tuple[str, str]]
"""(frame id, model id) of every prediction that was shown and not rejected in time, drawn or not."""


def right_when_silent(reviews: Sequence[Review], silent: SilentOnes, least_probability: float) -> Estimate | Refusal:
    """P(right | nobody objected), with its 95 % interval; or why there is no number, as for any other rate."""
    drawn = [review for review in reviews if (review.frame_id, review.model_id) in silent]
    wrong = frame_error_rate(drawn, len(silent), least_probability)
    return wrong if isinstance(wrong, Refusal) else replace(wrong, rate=wrong.rate.complement())


def all_errors(by_users: int, by_audit: int, by_both: int) -> float:
    """How many errors there are in all, of which users and audit found these: Chapman's capture and recapture.

    (n_users + 1)(n_audit + 1) / (n_both + 1) - 1. A cross-check: it takes the two to be independent.
    """
    return (by_users + 1) * (by_audit + 1) / (by_both + 1) - 1
