"""Limits: which windows and counters a frame is charged to, by its log time alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.config import GlobalLimit
from services.sampler.drawing import Draw, Drawer
from services.sampler.limits import Limits
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.random_fraction import RandomFraction
from services.sampler.strategies.strategy import StrategyLimit
from tests.unit.services.sampler.making import SALT, prediction

FLOOR = RandomFraction(fraction=1.0)
NEAR = CloseToThreshold(limits=(StrategyLimit(most=3, per="minute"),))


def limits(timezone: str = "UTC") -> Limits:
    return Limits("default", (GlobalLimit(most=9, per="day"),), timezone, memo_s=100)


def drawn(*strategies: RandomFraction | CloseToThreshold) -> Draw:
    draw = Drawer(SALT, "default", strategies).draw("0-0-00000000", prediction(0.5))
    assert draw is not None
    return draw


def test_a_drawn_frame_is_charged_to_the_global_limit_and_to_its_strategies() -> None:
    assert [charge.name for charge in limits().charges(drawn(NEAR))] == ["all/day", "close_to_threshold/minute"]


def test_what_the_floor_drew_is_charged_to_the_global_limit_only() -> None:
    assert [charge.name for charge in limits().charges(drawn(FLOOR, NEAR))] == ["all/day"]


def test_a_strategy_called_all_does_not_share_the_global_counter() -> None:
    named = CloseToThreshold(name="all", limits=(StrategyLimit(most=3, per="day"),))
    assert len({charge.key for charge in limits().charges(drawn(named))}) == 2


def test_days_begin_at_midnight_of_the_time_zone() -> None:
    madrid = limits("Europe/Madrid")
    before, after = (int(datetime(2026, 7, 1, 21, m, tzinfo=UTC).timestamp() * 1000) for m in (59, 0))
    assert madrid.window("day", before) == "2026-07-01"
    assert madrid.window("day", after + 3_600_000) == "2026-07-02"


def test_the_hour_that_comes_twice_is_two_windows() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    zone = limits("Europe/Madrid")
    windows = {zone.window("hour", int((first + timedelta(hours=h)).timestamp() * 1000)) for h in range(2)}
    assert windows == {"2026-10-25T02+0200", "2026-10-25T02+0100"}


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["minute", "hour", "day"]))
def test_a_window_is_a_pure_function_of_log_time(time_ms: int, per: str) -> None:
    zone = limits("Australia/Lord_Howe")
    assert zone.window(per, time_ms) == limits("Australia/Lord_Howe").window(per, time_ms)
    assert zone.window("minute", time_ms) == zone.window("minute", time_ms // 60_000 * 60_000)


@pytest.mark.parametrize("collection", ["porch", "a/b.c", "día", "x" * 5000])
def test_keys_are_short_printable_ascii_whatever_the_names(collection: str) -> None:
    named = CloseToThreshold(name="ünï/code", limits=(StrategyLimit(most=1, per="hour"),))
    draw = Drawer(SALT, collection, (named,)).draw("0-0-00000000", prediction(0.5))
    assert draw is not None
    for charge in Limits(collection, (), "UTC", 60).charges(draw):
        assert charge.key.isascii()
        assert charge.key.isprintable()
        assert len(charge.key) < 200


def test_a_strategy_without_a_limit_is_not_vetoed_by_anothers() -> None:
    free = CloseToThreshold(name="free")
    assert [charge.name for charge in limits().charges(drawn(NEAR, free))] == ["all/day"]
