"""Plots stay within their frames, and draw nothing where there is no figure."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.feedback.report import plots
from services.feedback.report.content import Told
from tests.unit.services.feedback.report.made import period, told

shares = st.floats(0, 1)


@st.composite
def rates(draw: st.DrawFn) -> Told:
    low, value, high = sorted(draw(st.tuples(shares, shares, shares)))
    return Told(metric="frame_error_rate", value=value, low=low, high=high, says="")


@given(st.lists(rates(), max_size=9))
def test_axes_hold_every_interval(found: list[Told]) -> None:
    for axis in (plots.axis_from_zero(found), plots.axis_to_one(found)):
        assert 0 <= axis.low < axis.high <= 1
        assert 2 <= len(axis.marks) <= 5
    zero, one_ = plots.axis_from_zero(found), plots.axis_to_one(found)
    assert all((one.high or 0) <= zero.high + 1e-9 for one in found)
    assert all((one.low or 0) >= one_.low - 1e-9 for one in found)


@given(st.lists(st.none() | shares, min_size=1, max_size=31), st.sampled_from([300, 840]))
def test_a_trend_stays_in_its_frame(values: list[float | None], width_px: int) -> None:
    drawn = plots.trend([period(1, value) for value in values], width_px, "trend")
    for name, most in (("x", width_px), ("y", plots.HEIGHT_PX)):
        places = [float(one) for one in re.findall(rf' c?{name}[12]?="([^"]*)"', drawn)]
        assert all(0 <= place <= most for place in places)
    assert drawn.count("<circle") == sum(value is not None for value in values)
    assert drawn.count("×</text>") == sum(value is None for value in values)


def test_a_band_ends_where_figures_end() -> None:
    drawn = plots.trend([period(1, v) for v in (0.1, 0.2, None, 0.1, None, 0.3, 0.2)], 840, "trend")
    assert drawn.count("<polygon") == 2


def test_the_plot_is_told_in_words() -> None:
    drawn = plots.trend([period(1, 0.1), period(2, None)], 840, "trend")
    assert "1 Nov: 10.0\u00a0% (8.0 to 14.0\u00a0%); 2 Nov: no figure." in drawn
    assert 'aria-labelledby="trend-title trend-desc"' in drawn


def test_whiskers() -> None:
    axis = plots.axis_from_zero([told(0.1)])
    assert plots.whisker(told(0.1), axis).count("<circle") == 1
    assert "<circle" not in plots.whisker(told(None), axis)
    assert plots.scale(axis).count("<text") == len(axis.marks)
