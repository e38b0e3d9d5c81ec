"""Trend: the frame error rate over time, in days or weeks, whichever have enough random checks each. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.feedback.accuracy import estimates
from services.feedback.accuracy.audit import least_floor
from services.feedback.accuracy.review import Review, Totals
from services.feedback.report import telling
from services.feedback.report.content import Period

STEPS_DAYS = (1, 7, 30, 365, 3650)
"""The last one for logs that began in 1970, on a box without a clock."""
MOST_STEPS = 31


@dataclass(frozen=True, slots=True)
class _Span:
    """Steps are counted backwards from the last day: 0 is the last step."""

    first: date
    last: date
    step_days: int

    @property
    def steps(self) -> int:
        return self.step_of(self.first) + 1

    def step_of(self, day: date) -> int:
        return (self.last - day).days // self.step_days

    def until(self, step: int) -> date:
        return self.last - timedelta(days=step * self.step_days)

    def since(self, step: int) -> date:
        return max(self.first, self.until(step) - timedelta(days=self.step_days - 1))


def trend(
    reviews: Sequence[Review], totals: Mapping[tuple[str, str], Totals], timezone: ZoneInfo
) -> tuple[Period, ...]:
    """The shortest steps of which most have a figure. `totals`: of all frames per (source id, date)."""
    frames: dict[date, int] = defaultdict(int)
    for (_, day), one in totals.items():
        frames[date.fromisoformat(day)] += one.frames
    drawn: dict[date, list[Review]] = defaultdict(list)
    for review in reviews:
        drawn[datetime.fromtimestamp(review.time_ms / 1000, timezone).date()].append(review)
    days_met = {*frames, *drawn}
    if not days_met:
        return ()
    least = least_floor(reviews)  # a step's few draws say little of how small a probability could be
    spans = [_Span(min(days_met), max(days_met), days) for days in STEPS_DAYS]
    made = [_periods(span, drawn, frames, least) for span in spans if span.steps <= MOST_STEPS]
    return max(made, key=_has_enough)


def _has_enough(periods: Sequence[Period]) -> tuple[bool, int]:
    """Of steps most of which have a figure the shortest, which are the most; else those with the most figures."""
    known = sum(one.rate.refused is None for one in periods)
    return known * 2 > len(periods), known


def _periods(
    span: _Span, drawn: Mapping[date, list[Review]], frames: Mapping[date, int], least: float
) -> tuple[Period, ...]:
    of: dict[int, list[Review]] = defaultdict(list)
    for day, reviews in drawn.items():
        of[span.step_of(day)] += reviews
    counted: dict[int, int] = defaultdict(int)
    for day, count in frames.items():
        counted[span.step_of(day)] += count
    periods = []
    for step in reversed(range(span.steps)):
        made = estimates.frame_error_rate(of[step], counted[step], least)
        told = telling.estimate("frame_error_rate", made, counted[step])
        periods.append(Period(since=span.since(step).isoformat(), until=span.until(step).isoformat(), rate=told))
    return tuple(periods)
