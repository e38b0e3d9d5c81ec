"""Labelling hours and their price."""

from services.feedback.report.cost import cost
from services.feedback.report.options import Labelling


def test_hours_and_their_price() -> None:
    made = cost(300, 9_000, Labelling(price_per_hour=30, currency="CHF", seconds_per_image=12))
    assert (made.hours, made.price, made.currency, made.hours_of_all) == (1.0, 30.0, "CHF", 30.0)
