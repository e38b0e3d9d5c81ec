"""Two versions of a model on the same frames: which of them is wrong where the other is right (SCIENCE B.5).

Promises: pure. Only frames on which the two differ tell them apart; each of the two ways to differ is bounded by itself at
half of alpha, so that the difference of the error rates is valid whatever the two have in common.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.feedback.accuracy import confidence_sequence
from services.feedback.accuracy.audit import Refusal, audit, on_floor, too_few, why_not
from services.feedback.accuracy.estimates import Method, is_wrong, share_of
from services.feedback.accuracy.intervals import ALPHA
from services.feedback.accuracy.rates import Rate
from services.feedback.accuracy.review import Outcome, Review

Others = Mapping[str, Outcome | None]
"""Per frame id: what people decided about the second version's prediction of that frame."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`rate`: the first version's error rate less the second's, -1..1: above 0 the second is better.

    `only_first`, `only_second`: the shares of frames on which that one alone is wrong.
    """

    rate: Rate
    only_first: Rate
    only_second: Rate
    method: Method
    verified: int
    on_floor: int


def difference(
    reviews: Sequence[Review], others: Others, frames: int, least_probability: float, alpha: float = ALPHA
) -> Difference | Refusal:
    """Of a closed window. The frames were drawn for the first version; those are decided on which both were judged."""
    first, second = _only_first(others), _only_second(others)
    chosen = audit(reviews, frames, lambda review: first(review) is not None, least_probability=least_probability)
    if isinstance(chosen, Refusal):
        return chosen
    both = [review for review in chosen.used if first(review) is not None]
    return _difference(
        share_of(chosen, first, frames, alpha / 2), share_of(chosen, second, frames, alpha / 2), "gamma", both
    )


def live_difference(
    reviews: Sequence[Review], others: Others, frames: int, least_probability: float, alpha: float = ALPHA
) -> Difference | Refusal:
    """So far, with bounds that hold however often they are looked at."""
    both = [review for review in reviews if _only_first(others)(review) is not None]
    refused = why_not(reviews, frames, least_probability) or too_few(on_floor(both))
    if refused is not None:
        return refused
    only = [
        _bounded(reviews, is_so, frames, least_probability, alpha / 2)
        for is_so in (_only_first(others), _only_second(others))
    ]
    return _difference(only[0], only[1], "confidence_sequence", both)


def _difference(first: Rate, second: Rate, method: Method, both: Sequence[Review]) -> Difference:
    rate = Rate(first.value - second.value, first.low - second.high, first.high - second.low)
    return Difference(rate, first, second, method, len(both), on_floor(both))


def _bounded(
    reviews: Sequence[Review],
    is_so: Callable[[Review], bool | None],
    frames: int,
    least_probability: float,
    alpha: float,
) -> Rate:
    found = [1 / review.probability for review in reviews if is_so(review)]
    pending = [1 / review.probability for review in reviews if is_so(review) is None]
    low, high = confidence_sequence.bounds(found, frames, least_probability, pending, alpha)
    decided = frames - sum(pending)
    value = sum(found) / decided if decided > 0 else 1.0
    return Rate(min(max(value, low), high), low, high)


def _only_first(others: Others) -> Callable[[Review], bool | None]:
    return lambda review: _wrong_alone(is_wrong(review), _other(review, others))


def _only_second(others: Others) -> Callable[[Review], bool | None]:
    return lambda review: _wrong_alone(_other(review, others), is_wrong(review))


def _other(review: Review, others: Others) -> bool | None:
    """A frame without an image was not judged, whoever predicted it."""
    outcome = others.get(review.frame_id)
    return None if review.missing is not None or outcome is None else outcome.wrong


def _wrong_alone(this: bool | None, that: bool | None) -> bool | None:
    return None if this is None or that is None else this and not that
