"""Plots: small SVGs without a style of their own: an error rate over time with its band, a dot with its whiskers. Pure.

Promises: what a plot shows stands in text beside it, too; colour alone says nothing.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from services.feedback.report import words
from services.feedback.report.content import Period, Told
from services.feedback.report.markup import Markup, el, join

HEIGHT_PX, LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 230, 48, 14, 12, 28
LABEL_PX = 62
ROW_WIDTH_PX, ROW_HEIGHT_PX, DOT_PX = 240, 18, 4
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, both in 0..1, with a mark every `step`."""

    low: float
    high: float
    step: float

    @property
    def marks(self) -> list[float]:
        return [self.low + self.step * i for i in range(round((self.high - self.low) / self.step) + 1)]

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def axis_from_zero(told: Iterable[Told]) -> Axis:
    """For rates that are best low."""
    return _axis_to(max((one.high for one in told if one.high is not None), default=0.0))


def axis_to_one(told: Iterable[Told]) -> Axis:
    """For rates that are best high."""
    turned = _axis_to(1 - min((one.low for one in told if one.low is not None), default=1.0))
    return Axis(1 - turned.high, 1.0, turned.step)


def _axis_to(most: float) -> Axis:
    step = next((one for one in _STEPS if most <= 4 * one), _STEPS[-1])
    return Axis(0.0, min(1.0, max(1, math.ceil(most / step - 1e-9)) * step), step)


def trend(periods: Sequence[Period], width_px: int, name: str) -> Markup:
    """A line through the estimates in a band of their intervals; × where there is no figure."""
    drawing = _Trend(periods, width_px)
    return el(
        "svg",
        el("title", words.SECTIONS["trend"], id=f"{name}-title"),
        el("desc", words.trend_in_words(periods), id=f"{name}-desc"),
        *drawing.grid(),
        *drawing.dates(),
        *drawing.bands(),
        *drawing.points(),
        class_=name,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        view_box=f"0 0 {width_px} {HEIGHT_PX}",
    )


class _Trend:
    def __init__(self, periods: Sequence[Period], width_px: int) -> None:
        self._periods = periods
        self._width_px = width_px
        self._axis = axis_from_zero(one.rate for one in periods)

    def grid(self) -> Iterator[Markup]:
        for mark in self._axis.marks:
            y = self._y(mark)
            yield el("line", x1=LEFT_PX, x2=self._width_px - RIGHT_PX, y1=y, y2=y, class_="grid")
            yield el("text", words.mark(mark, self._axis.step), x=LEFT_PX - 8, y=y + 4, text_anchor="end")

    def dates(self) -> Iterator[Markup]:
        """As many as there is room for, the last one always."""
        every = math.ceil(len(self._periods) * LABEL_PX / (self._width_px - LEFT_PX - RIGHT_PX))
        last = len(self._periods) - 1
        for place, period in enumerate(self._periods):
            if (last - place) % every == 0:
                day = words.day(date.fromisoformat(period.since))
                yield el("text", day, x=self._x(place), y=HEIGHT_PX - 8, text_anchor="middle")

    def bands(self) -> Iterator[Markup]:
        """One for each run of steps that have figures."""
        for is_known, run in groupby(range(len(self._periods)), lambda place: self._known(place) is not None):
            places = list(run)
            if is_known and len(places) > 1:
                ends = [(place, self._known(place) or (0.0, 0.0, 0.0)) for place in places]
                upper = [self._point(place, high) for place, (_, _, high) in ends]
                lower = [self._point(place, low) for place, (low, _, _) in reversed(ends)]
                yield el("polygon", points=" ".join(upper + lower), class_="band")
                yield el(
                    "polyline", points=" ".join(self._point(place, at) for place, (_, at, _) in ends), class_="line"
                )

    def points(self) -> Iterator[Markup]:
        for place in range(len(self._periods)):
            x, known = self._x(place), self._known(place)
            if known is None:
                yield el("text", "×", x=x, y=self._y(0.0) - 5, text_anchor="middle", class_="none")
                continue
            low, value, high = known
            yield el("line", x1=x, x2=x, y1=self._y(low), y2=self._y(high), class_="whisker")
            yield el("circle", cx=x, cy=self._y(value), r=DOT_PX, class_="dot")

    def _known(self, place: int) -> tuple[float, float, float] | None:
        return _ends(self._periods[place].rate)

    def _point(self, place: int, value: float) -> str:
        return f"{self._x(place):.1f},{self._y(value):.1f}"

    def _x(self, place: int) -> float:
        """In the middle of its share of the width."""
        return LEFT_PX + (self._width_px - LEFT_PX - RIGHT_PX) * (place + 0.5) / len(self._periods)

    def _y(self, value: float) -> float:
        return TOP_PX + (HEIGHT_PX - TOP_PX - BOTTOM_PX) * (1 - self._axis.place(value))


def whisker(told: Told, axis: Axis) -> Markup:
    """One row's dot, and the interval as a line with ends; nothing but the grid where there is no figure."""
    middle = ROW_HEIGHT_PX / 2
    grid = [el("line", x1=x, x2=x, y1=0, y2=ROW_HEIGHT_PX, class_="grid") for x in _row_xs(axis, axis.marks)]
    ends = _ends(told)
    drawn = Markup("") if ends is None else _dot(_row_xs(axis, ends), middle)
    return el("svg", *grid, drawn, class_="row", aria_hidden="true", view_box=f"0 0 {ROW_WIDTH_PX} {ROW_HEIGHT_PX}")


def scale(axis: Axis) -> Markup:
    """The numbers above rows of whiskers."""
    ends = {0: "start", len(axis.marks) - 1: "end"}
    texts = [
        el("text", words.mark(mark, axis.step), x=_row_x(axis, mark), y=12, text_anchor=ends.get(place, "middle"))
        for place, mark in enumerate(axis.marks)
    ]
    return el("svg", *texts, class_="row", aria_hidden="true", view_box=f"0 0 {ROW_WIDTH_PX} {ROW_HEIGHT_PX}")


def _dot(ends: Sequence[float], middle: float) -> Markup:
    low, value, high = ends
    return join(
        el("line", x1=low, x2=high, y1=middle, y2=middle, class_="whisker"),
        *(el("line", x1=x, x2=x, y1=middle - 4, y2=middle + 4, class_="whisker") for x in (low, high)),
        el("circle", cx=value, cy=middle, r=DOT_PX, class_="dot"),
    )


def _row_xs(axis: Axis, values: Iterable[float]) -> list[float]:
    return [_row_x(axis, value) for value in values]


def _row_x(axis: Axis, value: float) -> float:
    """Where in a row a value lies."""
    return DOT_PX + 1 + (ROW_WIDTH_PX - 2 * DOT_PX - 2) * axis.place(value)


def _ends(told: Told) -> tuple[float, float, float] | None:
    if told.low is None or told.value is None or told.high is None:
        return None
    return told.low, told.value, told.high
