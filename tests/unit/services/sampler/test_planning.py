"""The planner on a real state store: one plan for all replicas, for ever; batches handed in again; a store that is away."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sampler.pacing import MOST_EPOCHS, Pace
from services.sampler.plan import Planned
from services.sampler.planning import MOST_PLANS, Planner
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.errors import Unavailable
from shared.streams import keys

FLOOR, NEAR = Planned("floor", 0.5, floor=True), Planned("near", 2.0)
HOUR_MS = 3_600_000
T_MS = 1_795_428_000_000 - 1_795_428_000_000 % HOUR_MS


class Hands:
    """Time that passes where somebody waits, and by `step_s` whenever somebody looks."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.time_s = 0.0
        self.waited_s = 0.0
        self.step_s = step_s

    def now_s(self) -> float:
        self.time_s += self.step_s
        return self.time_s

    def wait_s(self, seconds: float) -> None:
        self.time_s += seconds
        self.waited_s += seconds


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(tmp_path / "state.db", timeout_s=0.05)) as state:
        yield state


def planner(state: SqliteState, *strategies: Planned, minimum_per_source_per_s: float = 0.0) -> Planner:
    hands = Hands(step_s=1.0)
    return Planner(
        state,
        "default",
        strategies or (FLOOR, NEAR),
        declared_per_s=100.0,
        minimum_per_source_per_s=minimum_per_source_per_s,
        pace=Pace(hands.now_s, hands.wait_s),
    )


def batch(planner: Planner, time_ms: int, frames: int = 10, weight: float = 0.5, source: str = "door") -> None:
    """A batch of one moment, as the sampler hands it in."""
    planner.begin()
    planner.prepare([time_ms] * frames)
    for _ in range(frames):
        planner.met(source)
        planner.meet("near", weight)


def totals(state: SqliteState) -> dict[str, int]:
    return dict(state.counters([keys.totals_key("default")])[0])


def test_the_first_plan_comes_from_the_declared_frames(state: SqliteState) -> None:
    one = planner(state)
    one.prepare([T_MS])
    assert one.scales(T_MS) == {"floor": pytest.approx(0.5 / 100), "near": pytest.approx(2 / 100)}
    assert one.scales(T_MS) is one.scales(T_MS + 999)


def test_a_redelivery_finds_the_plan_that_its_epoch_had(state: SqliteState) -> None:
    first = planner(state)
    plans = {}
    for second in range(20):
        time_ms = T_MS + 1000 * second
        batch(first, time_ms, frames=10 + second)
        plans[time_ms] = dict(first.scales(time_ms))
        first.settle()
    again = planner(state)
    again.prepare(sorted(plans, reverse=True))
    assert {time_ms: dict(again.scales(time_ms)) for time_ms in plans} == plans
    assert len({tuple(plan.items()) for plan in plans.values()}) > 10


def test_plans_learn_what_there_is(state: SqliteState) -> None:
    """Budget 2/s; 1000 frames/s of weight 0.5 come, a tenth of that was declared."""
    one = planner(state)
    for second in range(60):
        batch(one, T_MS + 1000 * second, frames=1000)
        for _ in range(2):
            one.drawn("near", passed=True)
        one.settle()
    assert one.scales(T_MS + 59_000)["near"] == pytest.approx(2 / 500, rel=0.1)


def test_a_batch_that_is_handed_in_again_is_counted_once(state: SqliteState) -> None:
    one = planner(state)
    batch(one, T_MS)
    one.drawn("near", passed=True)
    for _ in range(2):
        # Its draw was decided the first time, and is no news.
        batch(one, T_MS)
    one.settle()
    one.drain()
    assert sum(n for field, n in totals(state).items() if field.startswith("near/") and field[5:].isdigit()) == 10
    assert (totals(state)["near/drawn"], totals(state)["near/passed"]) == (1, 1)


def test_a_store_that_is_away_is_unavailable_and_nothing_is_lost_or_counted_twice(
    state: SqliteState, tmp_path: Path
) -> None:
    one = planner(state)
    batch(one, T_MS)
    one.settle()
    with closing(sqlite3.connect(tmp_path / "state.db")) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        for _ in range(2):
            with pytest.raises(Unavailable):
                batch(one, T_MS + 1000)
    batch(one, T_MS + 1000)
    one.settle()
    one.drain()
    one.drain()
    assert sum(totals(state).values()) == 20


def test_a_strategy_that_is_not_planned_is_not_counted(state: SqliteState) -> None:
    one = planner(state)
    one.drawn("every_nth", passed=True)
    one.settle()
    one.drain()
    assert totals(state) == {}


def test_an_epoch_far_behind_has_a_plan_and_turns_nothing_back(state: SqliteState) -> None:
    """A partition that lags: its epochs are planned with what is known now."""
    one = planner(state)
    for second in range(10):
        batch(one, T_MS + 1000 * second)
        one.settle()
    one.prepare([T_MS - 5 * HOUR_MS])
    assert one.scales(T_MS - 5 * HOUR_MS)["near"] == pytest.approx(one.scales(T_MS + 9000)["near"], rel=0.2)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), min_size=1, max_size=25),
    st.integers(0, 10**9),
)
def test_replicas_in_any_order_agree_and_count_everything(
    tmp_path: Path, steps: list[tuple[int, int, bool]], example: int
) -> None:
    """Who comes when, how far log time went meanwhile, and whether a batch was handed in twice: all by chance."""
    with closing(SqliteState(tmp_path / f"{example}.db", prefix=f"{len(steps)}:")) as state:
        before = sum(totals(state).values())
        replicas = [planner(state) for _ in range(3)]
        time_ms = T_MS
        for who, later, twice in steps:
            time_ms += 1000 * later
            for _ in range(1 + twice):
                batch(replicas[who], time_ms, frames=3)
            replicas[who].settle()
            others = [planner(state), replicas[(who + 1) % 3]]
            for other in others:
                other.prepare([time_ms])
                assert other.scales(time_ms) == replicas[who].scales(time_ms)
        for replica in replicas:
            replica.drain()
        assert sum(totals(state).values()) - before == 3 * len(steps)


class Counted(SqliteState):
    """The real store; it counts how often it is asked."""

    calls = 0

    def counters(self, keys: Sequence[str]) -> Sequence[Mapping[str, int]]:
        self.calls += 1
        return super().counters(keys)

    def add(self, counters: Mapping[str, Mapping[str, int]], ttl_s: int) -> None:
        self.calls += 1
        super().add(counters, ttl_s)

    def fix(self, key: str, fields: Mapping[str, bytes], ttl_s: int) -> Mapping[str, bytes]:
        self.calls += 1
        return super().fix(key, fields, ttl_s)

    def get(self, key: str) -> bytes | None:
        self.calls += 1
        return super().get(key)

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        self.calls += 1
        super().put(key, value, ttl_s)


def catch_up(state: SqliteState, seconds_apart: int) -> Hands:
    """A day of one camera, at 10,000 frames per second."""
    hands = Hands()
    one = Planner(state, "default", (FLOOR, NEAR), declared_per_s=1.0, pace=Pace(hands.now_s, hands.wait_s))
    frames = [T_MS + 1000 * second for second in range(0, 86_400, seconds_apart)]
    for first in range(0, len(frames), 500):
        hands.time_s += 0.05
        one.begin()
        one.prepare(frames[first : first + 500])
        for time_ms in frames[first : first + 500]:
            one.meet("near", 0.5)
            assert one.scales(time_ms)
        one.settle()
    return hands


@pytest.mark.parametrize("seconds_apart", [1, 3, 60])
def test_while_catching_up_the_store_is_asked_twenty_times_a_second_at_most(tmp_path: Path, seconds_apart: int) -> None:
    with closing(Counted(tmp_path / "state.db")) as state:
        hands = catch_up(state, seconds_apart)
        assert state.calls <= 20 * (hands.time_s + 1)
        print(
            f"{seconds_apart} s apart: {hands.time_s:.1f} s, of which waited {hands.waited_s:.1f}; {state.calls} calls"
        )
        assert hands.time_s < 12, "a day is caught up in seconds all the same"


def test_live_every_epoch_has_a_plan_of_its_own(state: SqliteState) -> None:
    hands = Hands()
    one = Planner(state, "default", (FLOOR, NEAR), pace=Pace(hands.now_s, hands.wait_s))
    for second in range(10):
        hands.time_s += 1
        one.prepare([T_MS + 1000 * second])
    assert len(one._plans) == 10
    assert hands.waited_s == 0


def test_many_epochs_at_once_are_all_planned(state: SqliteState) -> None:
    """A batch of a camera that sends a frame a minute."""
    one = planner(state)
    times_ms = [T_MS + 60_000 * minute for minute in range(500)]
    one.prepare(times_ms)
    assert all(one.scales(time_ms) for time_ms in times_ms)


def test_memory_is_bounded_however_long_it_runs(state: SqliteState) -> None:
    one = planner(state)
    for step in range(12):
        one.prepare([T_MS + 1000 * second for second in range(4000 * step, 4000 * step + 4000)])
    assert len(one._plans) <= MOST_PLANS + 2 * MOST_EPOCHS


def test_live_the_store_is_asked_five_times_an_epoch(tmp_path: Path) -> None:
    with closing(Counted(tmp_path / "state.db")) as state:
        hands = Hands()
        one = Planner(state, "default", (FLOOR, NEAR), pace=Pace(hands.now_s, hands.wait_s))
        for tenth in range(600):
            hands.time_s += 0.1
            batch(one, T_MS + 100 * tenth)
            one.settle()
        assert state.calls <= 5 * 60


def test_a_small_budget_needs_no_new_plan_each_second(state: SqliteState) -> None:
    assert planner(state).epoch_ms == 1000
    assert planner(state, Planned("near", 300 / 86_400)).epoch_ms == 9000
    assert planner(state, Planned("near", 60 / 86_400)).epoch_ms == 43_000
    one = planner(state, Planned("near", 1 / 86_400))
    assert (one.epoch_ms, one.epoch_start_ms(T_MS + 59_999)) == (60_000, T_MS)


def test_the_fuse_is_the_strategys(state: SqliteState) -> None:
    one = planner(state)
    assert one.fuse("floor", T_MS, ttl_s=10) is None
    assert one.fuse("not planned", T_MS, ttl_s=10) is None
    charge = one.fuse("near", T_MS, ttl_s=10)
    assert charge is not None
    assert charge.most == 360


def test_a_budget_of_nothing_is_refused(state: SqliteState) -> None:
    with pytest.raises(ValueError, match="above 0"):
        planner(state, Planned("near", 0.0))
