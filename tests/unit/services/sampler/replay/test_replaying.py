"""A replay comes to what was decided live, or says where it does not and why; and it writes nothing."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from services.sampler import drawing
from services.sampler.replay.replaying import Asked, Replayed, replay
from services.sampler.replay.span import Span
from shared.errors import SettingsError
from shared.settings import Settings
from shared.streams.record import NewRecord
from tests.unit.services.sampler.replay.conftest import Lives
from tests.unit.services.sampler.replay.living import Living, everything

FIXED: dict[str, Any] = {
    "strategies": [
        {"type": "random", "fraction": 0.1},
        {"type": "uncertain", "probability": 0.9, "gamma": 1},
        {"type": "temporal", "probability": 0.9, "gamma": 1},
    ]
}
BUDGET: dict[str, Any] = {
    "strategies": [
        {"type": "random", "budget": "600/hour"},
        {"type": "uncertain", "budget": "1800/hour"},
        {"type": "temporal", "budget": "1800/hour"},
    ],
    "sampler": {"declared_fps": 10},
    "limits": [],
}


def whys(replayed: Replayed) -> set[str]:
    return {difference.why for difference in replayed.checked.differences}


@pytest.mark.parametrize("values", [FIXED, BUDGET], ids=["fixed", "budget"])
@pytest.mark.parametrize("partitions", [1, 3])
def test_with_the_same_settings_all_decisions_are_reproduced(
    lives: Lives, values: dict[str, Any], partitions: int
) -> None:
    site = lives(values, partitions=partitions)
    site.publish(200)
    site.live()
    replayed = site.replay()
    checked = replayed.checked
    assert checked.differences == ()
    assert checked.reproduced == checked.decisions > 10
    assert replayed.new is None
    assert sum(one.is_kept for one in replayed.old.drawn) == checked.decisions - checked.gated
    assert any(one.outcome == "near_duplicate" for one in replayed.old.drawn) == (checked.gated > 0)


def test_what_a_limit_refused_was_drawn_and_is_shown_apart(lives: Lives) -> None:
    site = lives({**FIXED, "limits": [{"most": 5, "per": "day"}]})
    site.publish(120)
    site.live()
    checked = site.replay().checked
    assert checked.differences == ()
    assert checked.refused == checked.decisions - checked.gated - 5 > 0


def test_nothing_is_written(lives: Lives) -> None:
    site = lives(BUDGET)
    site.publish(120)
    site.live()
    before = everything(site.folder)
    assert before["state.db"]["fields"], "there are plans to compare"
    site.replay(FIXED)
    assert everything(site.folder) == before


def test_another_salt_reproduces_nothing_and_is_said(lives: Lives) -> None:
    site = lives(FIXED)
    site.publish(120)
    site.live()
    site.salt = b"another salt for the tests, long too"
    checked = site.replay().checked
    assert checked.reproduced < checked.decisions
    assert any("salt" in difference.why for difference in checked.differences)


def test_another_constant_is_not_explained_away(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    site = lives({"strategies": [{"type": "uncertain", "probability": 0.9}]})
    site.publish(120)
    site.live()
    monkeypatch.setattr(drawing, "LIGHTEST", 0.4)
    replayed = site.replay()
    assert replayed.checked.differences
    assert whys(replayed) <= {
        "the state store or the log was changed since: nothing else explains it",
        "other settings held then, or the sampler knew another past of the source (a restart, a rebalance)",
    }


def test_decisions_by_other_settings_are_named_with_their_version(lives: Lives) -> None:
    site = lives(FIXED)
    site.publish(60)
    site.live()
    before = site.settings.version
    site.settings = Settings({"strategies": [{"type": "random", "fraction": 0.5}]})
    site.publish(60)
    site.live()
    replayed = site.replay()
    assert f"settings {before} decided it, {site.settings.version} are in force" in whys(replayed)
    assert 0 < replayed.checked.reproduced < replayed.checked.decisions


def test_an_expired_plan_is_the_reason_where_it_is(lives: Lives) -> None:
    site = lives(BUDGET)
    site.publish(200)
    site.live()
    with closing(sqlite3.connect(site.folder / "state.db")) as database, database:
        database.execute("DELETE FROM hashes WHERE key LIKE 'plan:%'")
        database.execute("DELETE FROM fields WHERE key LIKE 'plan:%'")
    replayed = site.replay()
    assert replayed.checked.reproduced == 0
    assert whys(replayed) == {"the plan of its epoch has expired"}


def test_what_the_sampler_has_not_read_yet_is_no_difference(lives: Lives) -> None:
    site = lives(FIXED)
    site.publish(100)
    site.live()
    site.publish(100)
    replayed = site.replay()
    assert replayed.checked.differences == ()
    assert replayed.checked.undecided > 0
    assert replayed.old.frames == 200


def test_the_span_alone_counts(lives: Lives) -> None:
    site = lives(FIXED)
    site.publish(100, step_ms=1000)
    site.live()
    whole = site.replay()
    half = Span(site.now_ms - 50_000, site.now_ms + 1)
    part = replay(site.backend, Asked(half))
    assert part.old.frames == 51
    assert part.checked.differences == ()
    inside = {one.sample_id for one in whole.old.drawn if one.time_ms >= half.start_ms}
    assert {one.sample_id for one in part.old.drawn} == inside


def test_a_collection_that_is_not_there_is_refused(lives: Lives) -> None:
    site = lives(FIXED)
    site.publish(1)
    with pytest.raises(SettingsError, match="expected one of default, got 'yard'"):
        site.replay(only="yard")


def test_a_frame_that_was_predicted_twice_is_decided_once(lives: Lives) -> None:
    site = lives({"strategies": [{"type": "random", "fraction": 1.0}]})
    site.publish(20)
    with closing(site.log.reader()) as reader:
        again = [NewRecord(one.stream, one.key, one.value, 0) for one in reader.scan("predictions", 0, 0, 20)]
    for record in again:
        site.send(record)
    site.live()
    replayed = site.replay()
    assert replayed.old.frames == replayed.checked.decisions == replayed.checked.reproduced == 20


def test_nothing_is_remembered_of_batches_that_are_through(lives: Lives) -> None:
    site = lives(FIXED)
    site.publish(100)
    scenes = site.replay().old._scenes
    assert scenes._recent._told == {}, "memory is flat over a million predictions"


@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(most=st.integers(1, 60), step_ms=st.sampled_from([1, 40, 900, 11_000]), sources=st.integers(1, 5))
def test_however_the_log_was_cut_the_decisions_are_reproduced(
    tmp_path_factory: pytest.TempPathFactory, most: int, step_ms: int, sources: int
) -> None:
    site = Living(tmp_path_factory.mktemp("site"), Settings(FIXED))
    try:
        site.publish(60, step_ms=step_ms, sources=sources)
        site.live(most)
        checked = site.replay().checked
        assert checked.differences == ()
        assert checked.decisions > 0
    finally:
        site.close()
