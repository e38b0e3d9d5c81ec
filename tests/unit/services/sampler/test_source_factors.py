"""Source factors: a quiet camera gets its checks from the next hour on; an hour's table is made once, and all is bounded."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.sampler.pacing import Pace
from services.sampler.source_factors import HOUR_MS, MOST_SOURCES, MOST_TABLES, SourceFactors
from shared.adapters.embedded.sqlite_state import SqliteState

T_MS = 1_795_428_000_000 - 1_795_428_000_000 % HOUR_MS
FLOOR_PER_S, LEAST_PER_S = 100 / 86_400, 1 / 86_400


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        yield state


def factors(state: SqliteState, least_per_s: float = LEAST_PER_S) -> SourceFactors:
    return SourceFactors(
        state, "default", FLOOR_PER_S, least_per_s, keep_s=1000, pace=Pace(wait_s=lambda seconds: None)
    )


def test_a_quiet_source_weighs_more_from_the_next_hour_on(state: SqliteState) -> None:
    one = factors(state)
    one.prepare([T_MS])
    assert one.of("hall", T_MS) == 1.0
    state.add({one.counts_key(T_MS): {"hall": 3000, "attic": 3}}, ttl_s=1000)
    one.prepare([T_MS, T_MS + HOUR_MS])
    later_ms = T_MS + HOUR_MS
    assert one.of("hall", later_ms) < one.of("never met", later_ms) < one.of("attic", later_ms) == 1.0
    assert one.of("hall", T_MS) == 1.0


def test_an_hours_table_is_made_once_for_all(state: SqliteState) -> None:
    one, other = factors(state), factors(state)
    state.add({one.counts_key(T_MS): {"hall": 3000, "attic": 3}}, ttl_s=1000)
    one.prepare([T_MS + HOUR_MS])
    state.add({one.counts_key(T_MS): {"attic": 9000}}, ttl_s=1000)
    other.prepare([T_MS + HOUR_MS])
    assert other.of("attic", T_MS + HOUR_MS) == one.of("attic", T_MS + HOUR_MS) == 1.0


def test_counts_of_long_ago_are_forgotten(state: SqliteState) -> None:
    one = factors(state)
    state.add({one.counts_key(T_MS): {"hall": 3000, "attic": 3}}, ttl_s=1000)
    one.prepare([T_MS + 7 * HOUR_MS])
    assert one.of("hall", T_MS + 7 * HOUR_MS) == 1.0


def test_without_a_minimum_nothing_is_wanted(state: SqliteState) -> None:
    one = factors(state, least_per_s=0.0)
    assert not one.wanted
    one.prepare([T_MS])


def test_sources_without_end_are_bounded(state: SqliteState) -> None:
    one = factors(state)
    kept = 0
    for batch in range(30):
        frames = Counter(f"file-{batch}-{number}" for number in range(500))
        one.bound(T_MS, frames)
        kept += len(frames)
    assert kept == MOST_SOURCES
    again = Counter({"file-0-0": 3})
    one.bound(T_MS, again)
    assert again == {"file-0-0": 3}, "who is counted stays"
    next_hour = Counter({"file-29-499": 3})
    one.bound(T_MS + HOUR_MS, next_hour)
    assert next_hour


def test_tables_in_memory_are_bounded(state: SqliteState) -> None:
    one = factors(state)
    for hour in range(3 * MOST_TABLES):
        one.prepare([T_MS + hour * HOUR_MS])
    assert len(one._tables) <= MOST_TABLES + 1
