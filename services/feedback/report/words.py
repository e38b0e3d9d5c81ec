"""The report's words: all its strings in one file, and how its numbers are written. Pure.

Promises: ends of intervals are rounded outwards, so that what is printed never claims more than the interval does.
"""

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime

from services.feedback.report.content import Changes, Cost, Flow, ModelVersion, Period, Report, Reviewer, Silence, Told

NBSP = "\u00a0"
"""Keeps a number and its unit on one line."""
TITLE = "Gleaner report"
FIRST = "This is the first report in this folder: nothing to compare with."
NOTHING_COUNTED = "No frame was counted in this window: there is nothing to say about any model."
SECTIONS = {
    "flow": "Seen, kept, sent",
    "changes": "Since the last report",
    "accuracy": "How good is the model?",
    "trend": "Wrong frames over time",
    "classes": "Per class: boxes that are right",
    "sources": "Per source: frames that are wrong",
    "versions": "Model versions side by side",
    "coverage": "Coverage",
    "silence": "Silence",
    "reviewers": "Reviewers",
    "says_not": "What the figures do not say",
}
METRICS = {
    "frame_error_rate": "frames that are wrong",
    "precision": "boxes that are right",
    "frame_miss_rate": "frames with a missed object",
    "object_recall": "objects that were found",
}
"""In the order of the tables."""
NO_FIGURE = "no figure"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MISSING = {
    "expired": "the frame had left the log",
    "unreadable": "unreadable",
    "no_space": "no space",
    "withheld": "withheld",
}
NO_FIGURE_FOR = "No figure yet for:"
NOTICE = "Before you believe it: "
ESTIMATE = "estimate, and 95 % interval"
TABLE = "a table that scrolls sideways"
FRAMES = "frames"
THE_NUMBERS = "The same in numbers"
TREND_LEGEND = "Dots: estimates. Band and whiskers: 95 % intervals. ×: too little was checked for a figure."
NOT_COMPARED = "Too few of the same frames were judged under both: side by side says less than it seems."
NOBODY_SHOWN = "No predictions were shown to people whose time for objections is over."
NOBODY_JUDGED = "Nobody has judged anything yet."
REVIEWER_COLUMNS = ("reviewer, since the beginning", "verdicts", "rejected", "agreed with the next person")
MOST_NAMES, MOST_CHARS = 20, 120
MOST_AFFIRMED_PER_JUDGED = 2
"""SCIENCE F."""
SILENCE_SAYS_NOT = "Silence is a label with a weight, for training. It never enters the figures above."


def number(value: float) -> str:
    return f"{value:,.0f}"


def size(count: float) -> str:
    """Bytes as people say them: 12.3 MB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 1000 or unit == "TB":
            break
        count /= 1000
    return f"{count:,.0f}{NBSP}{unit}" if unit == "B" else f"{count:,.1f}{NBSP}{unit}"


def hours(count: float) -> str:
    if 0 < count * 60 < 1.5:
        return f"{count * 3600:,.0f}{NBSP}s"
    return f"{count * 60:,.0f}{NBSP}min" if count < 1.5 else f"{count:,.1f}{NBSP}h"


def money(amount: float, currency: str) -> str:
    return f"{currency}{NBSP}{amount:,.2f}" if amount < 100 else f"{currency}{NBSP}{amount:,.0f}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}{NBSP}%"


def at_least(share: float) -> str:
    """Rounded down: 100.0 % is all."""
    return percent(math.floor(share * 1000 + 1e-9) / 1000)


def interval(low: float, high: float, digits: int = 1) -> str:
    """1.2 to 5.8 %, rounded outwards."""
    of = 10 ** (digits + 2)
    ends = math.floor(low * of + 1e-9) / of, math.ceil(high * of - 1e-9) / of
    return " to ".join(f"{100 * end:.{digits}f}" for end in ends) + f"{NBSP}%"


def value(told: Told | None) -> str:
    """2.9 % (1.2 to 5.8 %), or that there is none."""
    if told is None or told.value is None or told.low is None or told.high is None:
        return NO_FIGURE
    width = told.high - told.low
    digits = 1 if width >= 0.02 else 2 if width >= 0.002 else 3  # else a small rate would be 0.0 %
    return f"{100 * told.value:.{digits}f}{NBSP}% ({interval(told.low, told.high, digits)})"


def count(number_of: int, what: str) -> str:
    plural = what if number_of == 1 else f"{what}es" if what.endswith("x") else f"{what}s"
    return f"{number_of:,} {plural}"


def before(span: str, of: ModelVersion, says: str) -> str:
    """The same of as long a time before."""
    return f"The {span} before ({of}): {says[:1].lower()}{says[1:]}"


def alert(rate: str, limit: float, says: str) -> str:
    return f"Past the limit that you set ({METRICS[rate]}: {100 * limit:g}{NBSP}%). {says}"


_UNITS = (("day", 1), ("hour", 24), ("minute", 1440))
"""How many a day has."""


def span(days: float) -> str:
    unit, length = next((one for one in _UNITS if days * one[1] >= 0.95), _UNITS[-1])
    whole = round(days * length)
    return unit if whole == 1 else f"{whole:,} {unit}s"


def missing(reason: str) -> str:
    kind, _, name = reason.partition(":")
    return f"the limit {name} was reached" if kind == "limit" else MISSING.get(reason, reason)


_ROWS: Sequence[tuple[str, Callable[[Report], str]]] = (
    ("frames seen", lambda report: number(report.flow.frames)),
    ("frames drawn", lambda report: number(report.flow.drawn)),
    ("images kept", lambda report: number(report.flow.kept)),
    ("images sent", lambda report: number(report.flow.sent)),
    ("kept", lambda report: size(report.flow.kept_bytes)),
    ("labelling", lambda report: f"{hours(report.cost.hours)}, {money(report.cost.price, report.cost.currency)}"),
    ("coverage", lambda report: _coverage(report)),
    *((name, lambda report, metric=metric: value(report.figure(metric))) for metric, name in METRICS.items()),
)


def summary(report: Report) -> list[tuple[str, str]]:
    """What two reports are compared by: always the same rows."""
    return [(name, told(report)) for name, told in _ROWS]


def _coverage(report: Report) -> str:
    headline = report.figure("frame_error_rate")
    return NO_FIGURE if headline is None else at_least(headline.coverage)


def mark(share: float, step: float) -> str:
    """A mark of an axis."""
    return f"{100 * share:.{1 if step < 0.01 else 0}f} %"


def day(of: date) -> str:
    return f"{of.day} {MONTHS[of.month - 1]}"


def days(period: Period) -> str:
    first, last = date.fromisoformat(period.since), date.fromisoformat(period.until)
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def trend_in_words(periods: Sequence[Period]) -> str:
    """For whoever does not see the plot."""
    told = [f"{days(one)}: {value(one.rate)}" for one in periods]
    return f"{METRICS['frame_error_rate'].capitalize()}, with the 95 % interval. {'; '.join(told)}."


# The page's sentences


def window(report: Report) -> str:
    since, until = (datetime.fromisoformat(one) for one in (report.since, report.until))
    written = f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} {report.timezone}"
    return f"{written} · collection {report.collection} · made {on(report.made_at)}"


def on(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"


def about(report: Report) -> str:
    headline = report.figure("frame_error_rate")
    coverage = "" if headline is None else f" · coverage {at_least(headline.coverage)}"
    return f"Model {report.of} · intervals hold the truth 95 times of 100{coverage}"


def without(flow: Flow) -> str:
    return f"{number(flow.frames_without)} without a detection"


def one_in(frames: int, kept: int) -> str:
    return "none" if not kept else f"one in {number(max(1.0, frames / kept))}"


def waiting(flow: Flow) -> str:
    return f"{number(flow.pending)} {'waits' if flow.pending == 1 else 'wait'} to be sent"


def sent_bytes(flow: Flow) -> str:
    return f"{size(flow.sent_bytes)} of them sent"


def price(cost: Cost) -> str:
    return money(cost.price, cost.currency)


def labelling(cost: Cost) -> str:
    return (
        f"Labelling the kept images takes {hours(cost.hours)} at {cost.seconds_per_image:g} seconds each, {price(cost)}; "
        f"all frames would have taken {hours(cost.hours_of_all)}."
    )


def drawn_by(flow: Flow) -> str:
    if not flow.drawn:
        return ""
    told = ", ".join(f"{name} {number(frames)}" for name, frames in list(flow.strategies.items())[:MOST_NAMES])
    return f"{count(flow.drawn, 'frame')} drawn, by: {told}. A frame may be drawn by several."


def came_and_went(changes: Changes) -> list[str]:
    told = [f"New {kind}: {_listed(names)}." for kind, names in changes.new.items()]
    told += [f"No longer there, {kind}: {_listed(names)}." for kind, names in changes.gone.items()]
    return told or ["The same sources, classes and model versions."]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(name[:MOST_CHARS] for name in names[:MOST_NAMES]) + more


def checks(told: Told) -> str:
    what = "box" if told.metric == "precision" else "frame"
    return f"from {count(told.verified, f'checked {what}')}, {told.on_floor:,} on random checks"


def covered(headline: Told) -> str:
    told = f"Frames with an image speak for {at_least(headline.coverage)} of all frames."
    if not headline.missing:
        return f"{told} No drawn frame is without its image."
    return (
        f"{told} {count(headline.missing, 'drawn frame')} without an image: the intervals allow for what they may hold."
    )


def why_missing(flow: Flow) -> list[str]:
    return [f"{missing(reason)}: {count(frames, 'frame')}" for reason, frames in flow.missing.items()]


def silent(told: Silence) -> list[str]:
    shown = f"{count(told.shown, 'prediction')} of this version {_were(told.shown)} shown to people"
    said = f"{shown}; {told.objected:,} {_were(told.objected)} rejected in time."
    label = "a label" if told.affirmed == 1 else "labels"
    affirmed = f"{count(told.affirmed, 'held one')} became {label} because nobody objected."
    if told.affirmed > MOST_AFFIRMED_PER_JUDGED * told.judged:
        affirmed += (
            f" That is more than twice the {count(told.judged, 'frame')} that people judged: "
            "lower `feedback.silence.hold`, or a model is taught mostly by itself."
        )
    if told.wrong is None:
        return [said, affirmed]
    says = told.wrong.says
    return [said, affirmed, f"Of those that nobody rejected: {says[:1].lower()}{says[1:]}"]


def _were(count_of: int) -> str:
    return "was" if count_of == 1 else "were"


def reviewer(one: Reviewer) -> tuple[str, str, str]:
    agreed = f"{one.agreed:,} of {one.compared:,}" if one.compared else "not compared"
    share = "nothing decided" if one.rejected_share is None else percent(one.rejected_share)
    return number(one.verdicts), share, agreed


def excluded(one: Reviewer) -> str:
    return " (excluded: counts nowhere)" if one.excluded else ""


def more(count_of: int) -> str:
    return f"{count_of:,} more in the JSON file."
