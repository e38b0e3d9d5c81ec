"""Limits: which windows and counters a frame is charged to, by its log time alone."""

import uuid
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sampler.limit_options import Limit
from services.sampler.limits import Limits
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.random_fraction import RandomFraction
from services.sampler.strategies.strategy import Strategy
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.ports.state import Charge, Undecided
from shared.streams.predictions import Prediction
from tests.unit.services.sampler.making import classified, detection, prediction

FLOOR = RandomFraction(fraction=1.0)
NEAR = CloseToThreshold(limits=(Limit(most=3, per="minute"),))
FUSE = Charge("near/fuse", "lim:{default}:fuse", 1, 9, 60)
SIZE = 1_000


@dataclass(frozen=True)
class Drawn:
    prediction: Prediction
    fired: tuple[Strategy, ...]


def limits(*more: Limit, timezone: str = "UTC") -> Limits:
    return Limits("default", (Limit(most=9, per="day"), *more), timezone, memo_s=100)


def drawn(*strategies: Strategy, of: Prediction | None = None) -> Drawn:
    return Drawn(of or prediction(0.5), strategies)


def names(charges: tuple[Charge, ...]) -> list[str]:
    return [charge.name for charge in charges]


def test_a_drawn_frame_is_charged_to_the_global_limit_and_to_its_strategies() -> None:
    assert names(limits().charges(drawn(NEAR), SIZE)) == ["all/day", "close_to_threshold/minute"]


def test_what_the_floor_drew_is_charged_to_the_global_limit_only() -> None:
    selective: list[dict[str, Any]] = [
        {"each": "source"},
        {"sources": ("door",)},
        {"classes": ("package",)},
        {"each": "class"},
    ]
    more = [Limit(most=1, per="hour", **one) for one in selective]
    everything = limits(*more, Limit(most=5, per="hour", of="bytes"))
    assert names(everything.charges(drawn(FLOOR, NEAR), SIZE, {NEAR.label: FUSE})) == ["all/day", "all/hour of bytes"]
    assert everything.charges_global(drawn(FLOOR, NEAR), SIZE) == everything.charges(drawn(FLOOR), SIZE)
    assert len(everything.charges(drawn(NEAR), SIZE)) == 2 + len(more) + 1


def test_a_strategy_without_a_limit_is_not_vetoed_by_anothers() -> None:
    free = CloseToThreshold(name="free")
    assert names(limits().charges(drawn(NEAR, free), SIZE)) == ["all/day"]


def test_a_strategy_whose_limits_do_not_look_at_this_frame_has_none_here() -> None:
    yard = CloseToThreshold(name="yard", limits=(Limit(most=1, per="day", sources=("yard*",)),))
    assert names(limits().charges(drawn(NEAR, yard), SIZE)) == ["all/day"]
    there = limits().charges(drawn(NEAR, yard, of=prediction(0.5, source_id="yard-2")), SIZE)
    assert names(there) == ["all/day", "close_to_threshold/minute", "yard/day at yard*"]


def test_a_fuse_is_a_limit_of_its_strategy() -> None:
    planned, free = CloseToThreshold(name="near", budget="9/day"), CloseToThreshold(name="free")
    assert names(limits().charges(drawn(planned), SIZE, {"near": FUSE})) == ["all/day", "near/fuse"]
    assert names(limits().charges(drawn(planned, free), SIZE, {"near": FUSE})) == ["all/day"]


def test_bytes_are_charged_with_what_is_stored() -> None:
    capped = Limits("default", (Limit(most=10_000, per="day", of="bytes"),), "UTC", memo_s=100)
    assert [charge.amount for charge in capped.charges(drawn(FLOOR), SIZE)] == [SIZE]


def test_each_source_has_a_counter_of_its_own() -> None:
    each = limits(Limit(most=2, per="day", each="source"))
    keys = [
        each.charges(drawn(NEAR, of=prediction(0.5, source_id=name)), 1)[1].key for name in ("door", "yard", "door")
    ]
    assert keys[0] == keys[2] != keys[1]


def test_each_class_that_the_product_shows_has_a_counter_of_its_own() -> None:
    boxes = (detection(0.9), detection(0.8), detection(0.7, "person", 1), detection(0.4, "dog", 2))
    seen = prediction(detections=boxes)
    each = limits(Limit(most=2, per="day", each="class"))
    charged = each.charges(drawn(NEAR, of=seen), 1)
    assert names(charged) == ["all/day", "all/day each class", "all/day each class", "close_to_threshold/minute"]
    assert len({charge.key for charge in charged}) == 4, "package is counted once, the dog is below the threshold"
    assert names(each.charges(drawn(NEAR, of=prediction()), 1)) == ["all/day", "close_to_threshold/minute"]


def test_a_limit_on_classes_looks_at_frames_of_these_alone() -> None:
    cats = limits(Limit(most=2, per="day", classes=("cat",)))
    sure, unsure, other = classified(0.9, 0.1), classified(0.4, 0.3), prediction(0.9)
    found = [names(cats.charges(drawn(NEAR, of=one), 1))[1:-1] for one in (sure, unsure, other)]
    assert found == [["all/day with cat"], [], []]


def test_of_two_limits_on_one_counter_the_lower_one_holds() -> None:
    twice = limits(Limit(most=4, per="day"), Limit(most=20, per="day"))
    assert [charge.most for charge in twice.charges(drawn(FLOOR), SIZE)] == [4], "a frame is counted once"


def test_another_most_goes_on_with_the_same_counter() -> None:
    """Settings change while it runs, and what was kept today was kept."""
    before, after = (Limits("c", (Limit(most=most, per="day"),), "UTC", 9).charges(drawn(FLOOR), 1) for most in (5, 6))
    assert before[0].key == after[0].key


def test_a_strategy_called_all_does_not_share_the_global_counter() -> None:
    named = CloseToThreshold(name="all", limits=(Limit(most=3, per="day"),))
    assert len({charge.key for charge in limits().charges(drawn(named), SIZE)}) == 2


def test_days_begin_at_midnight_of_the_time_zone() -> None:
    madrid = limits(timezone="Europe/Madrid")
    before, after = (int(datetime(2026, 7, 1, 21, m, tzinfo=UTC).timestamp() * 1000) for m in (59, 0))
    assert madrid.window("day", before) == "2026-07-01"
    assert madrid.window("day", after + 3_600_000) == "2026-07-02"


def test_the_hour_that_comes_twice_is_two_windows() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    zone = limits(timezone="Europe/Madrid")
    windows = {zone.window("hour", int((first + timedelta(hours=h)).timestamp() * 1000)) for h in range(2)}
    assert windows == {"2026-10-25T02+0200", "2026-10-25T02+0100"}


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["minute", "hour", "day"]))
def test_a_window_is_a_pure_function_of_log_time(time_ms: int, per: str) -> None:
    zone = limits(timezone="Australia/Lord_Howe")
    assert zone.window(per, time_ms) == limits(timezone="Australia/Lord_Howe").window(per, time_ms)
    assert zone.window("minute", time_ms) == zone.window("minute", time_ms // 60_000 * 60_000)


@pytest.mark.parametrize("name", ["porch", "a/b.c", "día", "x" * 5000])
@pytest.mark.parametrize("each", ["source", "class", None])
def test_keys_are_short_printable_ascii_whatever_the_names(name: str, each: Literal["source", "class"] | None) -> None:
    named = CloseToThreshold(name="ünï/code", limits=(Limit(most=1, per="hour", each=each, sources=("*",)),))
    seen = prediction(source_id=name, detections=(detection(0.9, name),))
    charges = Limits(name, (), "UTC", 60).charges(drawn(named, of=seen), SIZE)
    assert len(charges) == 1
    for charge in charges:
        assert charge.key.isascii()
        assert charge.key.isprintable()
        assert len(charge.key) < 200


LIMITS = (
    Limit(most=5, per="hour", each="source"),
    Limit(most=4, per="hour", each="class"),
    Limit(most=4_000, per="hour", of="bytes"),
    Limit(most=3, per="hour", sources=("yard*",), classes=("cat",)),
)
MOST = {"door": 5, "yard-1": 5, "yard-2": 5, "cat": 4, "dog": 4, "bytes": 4_000, "yard": 3}


@given(
    st.lists(
        st.tuples(st.sampled_from(["door", "yard-1", "yard-2"]), st.sampled_from(["cat", "dog"]), st.integers(1, 900)),
        max_size=40,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_kept_beyond_any_limit_and_nothing_refused_below(
    tmp_path: Path, frames: list[tuple[str, str, int]]
) -> None:
    """Two replicas on one store, each frame handed to both: the second is a redelivery, and pays nothing."""
    rules = Limits("default", LIMITS, "UTC", memo_s=100)
    file = tmp_path / f"{uuid.uuid4().hex}.db"
    with closing(SqliteState(file)) as one, closing(SqliteState(file)) as other:
        kept: Counter[str] = Counter()
        for number, (source, name, size) in enumerate(frames):
            draw = drawn(CloseToThreshold(), of=prediction(source_id=source, detections=(detection(0.9, name),)))
            asked = Undecided(f"dec:{{default}}:{number}", b"kept", 100, rules.charges(draw, size))
            (first,), (again,) = (replica.decide([asked]) for replica in (one, other))
            assert (first.refused_by, again.fresh) == (again.refused_by, False)
            costs = {source: 1, name: 1, "bytes": size, "yard": int(source != "door" and name == "cat")}
            fits = all(kept[what] + cost <= MOST[what] for what, cost in costs.items() if cost)
            assert (first.refused_by is None) == fits
            kept.update(costs if fits else {})
