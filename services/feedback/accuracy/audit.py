"""Which drawn frames an estimate may use while some are not reviewed, and when there is no honest estimate (SCIENCE B.7).

Promises: pure. Frames are reviewed in audit order, so that the first ones, as far as they are reviewed, are a random subset of
the drawn; that subset is used where it is large enough. Else all are. What is open among the used widens the interval.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.feedback.accuracy.review import Review

LEAST_ON_FLOOR = 30
"""Fewer judged frames of the floor show no figure."""
MOST_OPEN = 0.2
"""Open frames may stand for this share of all frames; beyond it the worst-case band says next to nothing."""
MOST_SKIPPED = 0.01
"""Of the frames in audit order so many may be open (skipped, unsure) before what comes after them is left out."""
_DEVIATIONS = 5
"""By so many standard deviations the drawn frames must speak for more frames than there were, before N is called wrong."""

RefusalCode = Literal[
    "no_frames",
    "frames_miscounted",
    "no_floor",
    "too_few",
    "unreviewed",
    "uncovered",
    "never_shown",
    "no_objects",
    "boxes_unknown",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no figure is shown. `more`: how many judgements are missing until one can be, where that would do."""

    code: RefusalCode
    more: int = 0


@dataclass(frozen=True, slots=True)
class Audit:
    """What an estimate is made of.

    `share`: of the drawn frames that could be reviewed; it multiplies their probability, and `least_probability`.
    `used`: the decided ones, and open ones where all are used. `missing`: drawn, and without an image.
    """

    used: Sequence[Review]
    missing: Sequence[Review]
    share: float
    least_probability: float
    coverage: float
    open: int

    def probability(self, review: Review) -> float:
        """Of having been drawn, and reviewed."""
        return review.probability if review.missing is not None else review.probability * self.share


def audit(
    reviews: Sequence[Review],
    frames: int,
    is_decided: Callable[[Review], bool],
    *,
    least_probability: float,
    may_band: bool = True,
) -> Audit | Refusal:
    """The designs of one collection and window, each frame once, and N. Without `may_band` open frames are never all taken."""
    refused = why_not(reviews, frames, least_probability)
    if refused is not None:
        return refused
    missing = [review for review in reviews if review.missing is not None]
    queue = sorted((r for r in reviews if r.missing is None), key=lambda review: (review.audit, review.sample_id))
    decided = [is_decided(review) for review in queue]
    used = _to_use(queue, decided, frames, may_band)
    if isinstance(used, Refusal):
        return used
    share = used / len(queue)
    n_open = decided.count(False)
    return Audit(queue[:used], missing, share, least_probability * share, coverage(missing, frames), n_open)


def least_floor(reviews: Sequence[Review]) -> float:
    """The smallest probability that any frame of the window can have had: the floor's, which nothing may lower."""
    return min((review.floor_probability for review in reviews), default=0.0)


def why_not(reviews: Sequence[Review], frames: int, least_probability: float) -> Refusal | None:
    """What no verdict could mend."""
    if frames < 1:
        return Refusal("no_frames")
    if not reviews:
        return Refusal("too_few", LEAST_ON_FLOOR)
    if least_probability <= 0:
        return Refusal("no_floor")
    return Refusal("frames_miscounted") if _speak_for_more(reviews, frames) else None


def too_few(judged_on_floor: int) -> Refusal | None:
    more = LEAST_ON_FLOOR - judged_on_floor
    return Refusal("too_few", more) if more > 0 else None


def coverage(missing: Sequence[Review], frames: int) -> float:
    """The share of all frames that those with an image speak for."""
    return min(max(1 - stands_for(missing) / frames, 0.0), 1.0)


def stands_for(reviews: Sequence[Review]) -> float:
    """How many frames these speak for: the sum of 1/pi."""
    return sum(1 / review.probability for review in reviews)


def on_floor(reviews: Sequence[Review]) -> int:
    return sum(review.on_floor for review in reviews)


def _speak_for_more(reviews: Sequence[Review], frames: int) -> bool:
    """Than there were, further than chance explains: then some predictions were not counted."""
    deviation = math.sqrt(sum((1 - r.probability) / r.probability**2 for r in reviews))
    return len(reviews) > frames or stands_for(reviews) - _DEVIATIONS * deviation > frames * (1 + 1e-9)


def _to_use(queue: Sequence[Review], decided: Sequence[bool], frames: int, may_band: bool) -> int | Refusal:
    """How many of the queue, from its beginning."""
    refused = too_few(_ready(queue, decided))
    if refused is not None:
        return refused
    reviewed = _reviewed_so_far(queue, decided)
    ready = _ready(queue[:reviewed], decided)
    if ready >= LEAST_ON_FLOOR:
        return reviewed
    still_open = [review for review, is_decided in zip(queue, decided, strict=True) if not is_decided]
    if may_band and stands_for(still_open) <= MOST_OPEN * frames:
        return len(queue)
    return Refusal("unreviewed", LEAST_ON_FLOOR - ready)


def _ready(queue: Sequence[Review], decided: Sequence[bool]) -> int:
    return sum(review.on_floor and is_decided for review, is_decided in zip(queue, decided, strict=False))


def _reviewed_so_far(queue: Sequence[Review], decided: Sequence[bool]) -> int:
    """Up to the last decided frame before which few are open. Blind to what was decided."""
    reviewed, open_share, all_share = 0, 0.0, 0.0
    for place, (review, is_decided) in enumerate(zip(queue, decided, strict=True), start=1):
        weight = 1 / review.probability
        all_share += weight
        open_share += 0.0 if is_decided else weight
        if is_decided and open_share <= MOST_SKIPPED * all_share:
            reviewed = place
    return reviewed
