"""Figures as plain sentences: what they say, what they do not, and why there is none. All strings of the accuracy pages.

Promises: pure. Numbers are rounded outwards, so that a sentence never claims more than its interval does.
"""

import math

from services.feedback.accuracy.audit import Refusal, RefusalCode
from services.feedback.accuracy.figures import Figure
from services.feedback.accuracy.paired import Difference
from services.feedback.accuracy.rates import Rate

RANGE = {
    "frame_error_rate": "Between {low} and {high} of {base} frames{where} are right",
    "live_frame_error_rate": "Between {low} and {high} of {base} frames{where} were right so far, however often you look",
    "frame_miss_rate": "Between {low} and {high} of {base} frames{where} hold an object that the model missed",
    "precision": "Between {low} and {high} of {base} boxes{where} are right",
    "object_recall": "Between {low} and {high} of {base} objects{where} were found",
}
AS_GOOD = ("frame_error_rate", "live_frame_error_rate")
"""Error rates that are told as the share of what is right."""
CHECKED = {"precision": "box"}
SAYS_NOT = {
    "frame_error_rate": "Nothing of which frames are wrong, or what is wrong with them.",
    "live_frame_error_rate": "Nothing of the last hour alone: it is the share over all frames since the window began.",
    "frame_miss_rate": "Nothing of how many objects a frame missed; a reviewer who overlooks one does not count it.",
    "precision": "Nothing of objects that got no box: that is what missed frames and recall are about.",
    "object_recall": "Nothing of frames without an image; a reviewer who overlooks an object does not count it.",
}
SAYS_NEVER = (
    "Whether the reviewers were right: what they overlook counts as right.",
    "What the rate will be tomorrow: it is of the frames of this window, this model version, this threshold.",
)
UNCOVERED = (
    "What {percent} % of the frames would have shown, which were drawn and have no image; the interval allows for both."
)
UNDECIDED = "What the {open} drawn {frames} would have shown that nobody has decided."
WHY_NOT: dict[RefusalCode, str] = {
    "no_frames": "No frame was counted here: there is nothing to say.",
    "frames_miscounted": "The drawn frames speak for more frames than were counted: some tallies are missing.",
    "no_floor": "Some frames could not be drawn at random. Give the collection a floor (`random`) and begin a new window.",
    "too_few": "Too little was checked: {more} more judgements of random checks are needed.",
    "unreviewed": "Too many drawn frames are not reviewed. Review in the inbox's order: {more} more random checks are needed.",
    "uncovered": "Too many drawn frames have no image, and nobody knows how many objects they hold.",
    "never_shown": "The model showed no such box in this window.",
    "no_objects": "No object was met in the checked frames: nothing was there to be found, or missed.",
    "boxes_unknown": "Some frames were only judged in part, and how many boxes they show is not known.",
}
ONE_MORE: dict[RefusalCode, str] = {
    "too_few": "Too little was checked: one more judgement of a random check is needed.",
    "unreviewed": "Too many drawn frames are not reviewed. Review in the inbox's order: one more random check is needed.",
}
DIFFERENCE = {
    "better": "{second} is better than {first}: it is wrong in {low} to {high} of {base} frames less.",
    "worse": "{second} is worse than {first}: it is wrong in {low} to {high} of {base} frames more.",
    "open": "{first} and {second} cannot be told apart yet: {second} is wrong in {less} of {base} frames less, or {more} more.",
}


def says(figure: Figure) -> str:
    """One sentence, or why there is none."""
    if figure.refused is not None:
        return why_not(figure.refused)
    low, high, base = _outwards(*_as_told(figure))
    said = RANGE[figure.metric].format(low=f"{low:,}", high=f"{high:,}", base=f"{base:,}", where=_where(figure))
    return f"{said}, from {_checks(figure)}."


def says_not(figure: Figure) -> tuple[str, ...]:
    """What nobody should read into the figure."""
    said = [SAYS_NOT[figure.metric], *SAYS_NEVER]
    if figure.refused is None and figure.coverage < 1:
        said.append(UNCOVERED.format(percent=_percent(1 - figure.coverage)))
    if figure.refused is None and figure.open:
        said.append(UNDECIDED.format(open=f"{figure.open:,}", frames=_plural(figure.open, "frame")))
    return tuple(said)


def why_not(refused: Refusal) -> str:
    words = ONE_MORE.get(refused.code) if refused.more == 1 else None
    return (words or WHY_NOT[refused.code]).format(more=refused.more)


def compares(difference: Difference, first: str, second: str) -> str:
    """Two versions by their names."""
    rate = difference.rate
    said = (
        f"{_compared(rate, first, second)[:-1]}, from {_count(difference.verified, 'frame')} that both were judged on."
    )
    return said[0].upper() + said[1:]


def _compared(rate: Rate, first: str, second: str) -> str:
    names = {"first": first, "second": second}
    if rate.low > 0:
        low, high, base = _outwards(rate.low, rate.high)
        return DIFFERENCE["better"].format(low=low, high=high, base=f"{base:,}", **names)
    if rate.high < 0:
        low, high, base = _outwards(-rate.high, -rate.low)
        return DIFFERENCE["worse"].format(low=low, high=high, base=f"{base:,}", **names)
    base = _base(rate.high - rate.low)
    less, more = _up(rate.high, base), _up(-rate.low, base)
    return DIFFERENCE["open"].format(less=less, more=more, base=f"{base:,}", **names)


def _as_told(figure: Figure) -> tuple[float, float]:
    low, high = figure.low or 0.0, 1.0 if figure.high is None else figure.high
    return (1 - high, 1 - low) if figure.metric in AS_GOOD else (low, high)


def _outwards(low: float, high: float) -> tuple[int, int, int]:
    """Of as many as it takes for the two to differ by more than one: "93 and 97 of 100"."""
    base = _base(high - low)
    return _down(low, base), _up(high, base), base


def _base(width: float) -> int:
    return 100 if width >= 0.02 else 1_000 if width >= 0.002 else 10_000


def _down(share: float, base: int) -> int:
    return math.floor(share * base + 1e-9)


def _up(share: float, base: int) -> int:
    return math.ceil(share * base - 1e-9)


def _where(figure: Figure) -> str:
    """Of a class, from a source, on a day: whatever the figure is of."""
    parts = [
        "" if figure.class_name is None else f" of {figure.class_name}",
        "" if figure.source_id is None else f" from {figure.source_id}",
        "" if figure.day is None else f" on {figure.day}",
    ]
    return "".join(parts)


def _checks(figure: Figure) -> str:
    what = CHECKED.get(figure.metric, "frame")
    return f"{_count(figure.verified, f'checked {what}')}, {figure.on_floor:,} of them random checks"


def _count(count: int, what: str) -> str:
    return f"{count:,} {_plural(count, what)}"


def _plural(count: int, what: str) -> str:
    if count == 1:
        return what
    return f"{what}es" if what.endswith("x") else f"{what}s"


def _percent(share: float) -> str:
    """For the middle of a sentence: neither rounded to all or nothing, nor with an exponent."""
    percent = 100 * share
    if percent < 0.01:
        return "less than 0.01"
    return f"{percent:.2g}" if percent < 99.5 else f"{math.floor(percent * 10 + 1e-9) / 10:g}"
