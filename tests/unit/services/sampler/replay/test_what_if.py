"""What other settings would have kept: by their own gates, limits and plans; a range where pixels that gates need are gone."""

from collections import Counter
from typing import Any

import pytest

from services.cli.replaying.report import Range, report
from services.sampler.replay.replaying import Replayed
from tests.unit.services.sampler.replay.conftest import Lives

OPEN: dict[str, Any] = {"near_duplicates": {"enabled": False}, "quality": {"enabled": False}, "limits": []}
FLOOR: dict[str, Any] = {"strategies": [{"type": "random", "fraction": 0.2}], **OPEN}
NOTHING: dict[str, Any] = {"strategies": []}
ALL: dict[str, Any] = {"strategies": [{"type": "random", "fraction": 1.0}], **OPEN}
UNSURE = {"type": "least_confidence", "probability": 1.0, "gamma": 0}


def outcomes(replayed: Replayed) -> Counter[str]:
    assert replayed.new is not None
    return Counter(one.outcome for one in replayed.new.drawn)


def test_what_is_gained_and_lost_is_what_the_new_settings_draw(lives: Lives) -> None:
    site = lives(FLOOR)
    site.publish(60)
    site.live()
    made = report(site.replay(ALL))
    assert made.new is not None
    assert made.changed is not None
    kept = made.old.kept.expected
    assert 0 < kept < 60
    assert made.new.kept == Range(60, 60, 60)
    assert (made.changed.both, len(made.changed.gained), len(made.changed.lost)) == (kept, 60 - kept, 0)
    assert sum(one.expected for one in made.new.by_source.values()) == 60
    assert made.new.by_strategy == {"random": Range(60, 60, 60)}
    assert made.new.bytes > made.old.bytes > 0


def test_a_larger_fraction_keeps_what_the_smaller_one_kept(lives: Lives) -> None:
    site = lives(FLOOR)
    site.publish(80)
    site.live()
    changed = report(site.replay({**FLOOR, "strategies": [{"type": "random", "fraction": 0.5}]})).changed
    assert changed is not None
    assert not changed.lost
    assert changed.gained


def test_limits_count_in_windows_of_log_time(lives: Lives) -> None:
    site = lives(FLOOR)
    site.publish(60, step_ms=3000)
    site.live()
    found = outcomes(site.replay({**ALL, "limits": [{"most": 5, "per": "minute"}]}))
    assert found == {"kept": 16, "limit:all/minute": 44}  # three whole minutes, and one frame of the fourth


def test_gates_look_at_the_frames_that_are_still_there(lives: Lives) -> None:
    site = lives(NOTHING)
    site.publish(30, sources=1, detections=())
    new = {"strategies": [{"type": "close_to_threshold", "epsilon": 1.0}, {**UNSURE}], "limits": []}
    assert not site.replay(new).new.drawn  # type: ignore[union-attr]  # nothing is seen, so nothing is unsure
    ghosts = {"strategies": [{"type": "detection_count", "less_than": 1}], "limits": []}
    found = outcomes(site.replay(ghosts))
    assert found["kept"] == 10, "three frames each show the same picture and nothing else"
    assert found["near_duplicate"] == 20


def test_where_pixels_are_gone_the_result_is_a_range(lives: Lives) -> None:
    site = lives(NOTHING)
    site.publish(20, gone=True, detections=())
    site.live()
    ghosts = {"strategies": [{"type": "detection_count", "less_than": 1}], "limits": []}
    made = report(site.replay(ghosts))
    assert made.new is not None
    assert made.new.kept == Range(0, 20, 20)
    assert str(made.new.kept) == "0..20"
    assert made.old.kept == Range()


def test_the_floor_is_certain_without_pixels(lives: Lives) -> None:
    site = lives(NOTHING)
    site.publish(20, gone=True)
    made = report(site.replay({"strategies": [{"type": "random", "fraction": 1.0}, UNSURE], "limits": []}))
    assert made.new is not None
    assert made.new.kept == Range(20, 20, 20)


def test_a_collection_that_did_not_change_decides_as_it_did(lives: Lives) -> None:
    """Also on budgets: their plans are the stored ones, not simulated."""
    budget = {
        "strategies": [{"type": "random", "budget": "1800/hour"}, {"type": "uncertain", "budget": "3600/hour"}],
        "limits": [],
    }
    site = lives(budget)
    site.publish(100)
    site.live()
    replayed = site.replay({**budget, "tags": ["new"], "collections": {"more": {"strategies": ALL["strategies"]}}})
    assert replayed.new is not None
    unchanged = [one for one in replayed.new.drawn if one.collection == "default"]
    assert unchanged == replayed.old.drawn
    assert {one.collection for one in replayed.new.drawn} == {"default", "more"}


def test_one_collection_can_be_asked_for(lives: Lives) -> None:
    site = lives({**FLOOR, "collections": {"yard": {**ALL}}})
    site.publish(20)
    site.live()
    replayed = site.replay(only="yard")
    assert {one.collection for one in replayed.old.drawn} == {"yard"}
    assert replayed.checked.reproduced == replayed.checked.decisions == 20


@pytest.mark.parametrize("per_hour", [360, 1440])
def test_a_new_budget_is_planned_in_log_time(lives: Lives, per_hour: int) -> None:
    """Ten minutes at two frames a second, in a moment: the real planner on a scratch store meets the budget."""
    site = lives(NOTHING)
    site.publish(1200, step_ms=500, gone=True)
    new = {
        "strategies": [{"type": "random", "budget": f"{per_hour}/hour"}],
        "limits": [],
        "sampler": {"declared_fps": 2},
    }
    made = report(site.replay(new))
    assert made.new is not None
    expected = per_hour / 6
    assert abs(made.new.kept.expected - expected) < 4 * expected**0.5
