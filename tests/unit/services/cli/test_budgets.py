"""What `gleaner check` says of budgets: the review, its parts, and how long random checks take."""

from typing import Any

import pytest

from services.cli.budgets import NO_BUDGETS, Budgets, budgets, paces
from shared.errors import SettingsError
from shared.settings import Settings
from tests.unit.services.cli.conftest import Gleaner, as_json

TWO = {"door": "rtsp://192.0.2.1/a", "yard": "rtsp://192.0.2.2/a"}


def said(**values: Any) -> Budgets:
    return budgets(Settings(values))


def test_the_defaults_share_sixty_a_day() -> None:
    shared_out, checks = said().facts
    assert shared_out == "review: 60 a day; random 18, uncertain 24, temporal 18 a day"
    assert checks.endswith("after 2 days with 1 source, 17 days with 10 sources, 67 days with 40 sources")
    assert said().warnings == ()


def test_sources_of_the_settings_are_counted() -> None:
    assert said(sources=TWO).facts[1] == "each of 2 sources has its 30 random checks after 3 days"


def test_the_slowest_source_is_named_and_has_its_minimum() -> None:
    """Of 18 random checks a day each has 1 for certain; the other 16 go by frames: 1 in 31 of them to the slow one."""
    sources = {"door": {"url": "a.mp4", "fps": 30}, "yard": {"url": "b.mp4", "fps": 1}}
    assert said(sources=sources).facts[1] == "yard has its 30 random checks last of 2 sources, after 20 days"
    more = said(sources=sources, review={"budget": "60/day", "minimum_per_source": "9/day"})
    assert more.facts[1] == "each of 2 sources has its 30 random checks after 3 days"


def test_more_than_sixty_days_is_a_warning() -> None:
    forty = {f"door-{n}": f"rtsp://192.0.2.{n}/a" for n in range(40)}
    (warning,) = said(sources=forty).warnings
    assert warning.startswith("door-0, door-1, door-10 and 37 more: 30 random checks take more than 60 days")
    assert said(sources=forty, review="120/day").warnings == ()


def test_shares_that_leave_something_are_a_warning() -> None:
    strategies = [{"type": "random", "share": 0.3}, {"type": "uncertain", "share": 0.4}]
    (warning,) = said(strategies=strategies).warnings
    assert warning == "the shares sum to 0.7: 18 of the review's 60 a day go unused"


def test_nothing_at_random_is_a_warning() -> None:
    found = said(strategies=[{"type": "uncertain", "share": 1.0}])
    assert found.facts == ("review: 60 a day; uncertain 60 a day",)
    assert ["nothing is drawn at random" in one for one in found.warnings] == [True]


def test_fixed_probabilities_are_in_no_budget() -> None:
    strategies = [{"type": "random", "fraction": 0.0001}, {"type": "ghost", "budget": "5/hour"}]
    found = said(strategies=strategies, sources={"door": {"url": "a.mp4", "fps": 1}})
    assert found.facts == ("budgets: ghost 120 a day", "each of 1 source has its 30 random checks after 3 days")
    assert said(strategies=[{"type": "random", "fraction": 0.5}]) == NO_BUDGETS


def test_each_collection_has_its_own() -> None:
    gate = {"sources": ["gate*"], "review": "10/day", "strategies": [{"type": "random", "share": 1.0}]}
    found = said(collections={"gate": gate}, sources={**TWO, "gate-1": "rtsp://192.0.2.3/a"})
    assert found.facts[2:] == (
        "collection gate: review: 10 a day; random 10 a day",
        "collection gate: each of 1 source has its 30 random checks after 3 days",
    )


@pytest.mark.parametrize("as_json_too", [False, True])
def test_check_says_so(gleaner: Gleaner, as_json_too: bool) -> None:
    if as_json_too:
        assert as_json(gleaner("check", "--json"))["budgets"]["facts"][0].startswith("review: 60 a day")
    else:
        assert "review: 60 a day; random 18" in gleaner("check").stdout


def test_how_long_nothing_drawn_is_as_it_should_be() -> None:
    assert list(paces(Settings({}))) == ["60 samples a day are budgeted, one in 24 minutes on average"]
    assert next(paces(Settings({"review": "5000/hour"}))).endswith("one in 86 s on average")  # the limit, 1,000 a day
    assert list(paces(Settings({"strategies": [{"type": "random", "fraction": 0.01}]}))) == []


def test_an_unknown_setting_is_told_what_stands_at_its_place() -> None:
    with pytest.raises(SettingsError, match=r"traffic_percentage'; known are: budget, fraction, gamma, limits, name"):
        said(strategies=[{"type": "random", "traffic_percentage": 0.01}])
    with pytest.raises(
        SettingsError, match=r"strategies\.0: unknown type 'class_contain'; did you mean 'class_contains'"
    ):
        said(strategies=[{"type": "class_contain"}])


def test_limits_below_the_budgets_are_told() -> None:
    assert said(review="5000/hour").warnings == ("limits let 1,000 of the 120,000 a day that are budgeted through",)
