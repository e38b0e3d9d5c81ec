"""Which strategies are planned, and what limits leave of their budgets."""

from pathlib import Path
from typing import Any

import pytest

from services.sampler.config import NamedCollection, SamplerOptions
from services.sampler.pacing import Pace
from services.sampler.planned import planned, planner_of
from shared.adapters.embedded.sqlite_state import SqliteState

DAY_S = 86_400


def options(**more: Any) -> NamedCollection:
    return NamedCollection.model_validate(more)


def per_day(**more: Any) -> dict[str, float]:
    return {one.label: round(one.per_s * DAY_S, 6) for one in planned(options(**more))}


def test_by_default_sixty_a_day_are_shared_out() -> None:
    assert per_day() == {"random": 18, "uncertain": 24, "temporal": 18}
    assert [one.floor for one in planned(options())] == [True, False, False]


def test_fixed_strategies_need_no_plan(tmp_path: Path) -> None:
    fixed = options(strategies=[{"type": "random", "fraction": 0.1}, {"type": "below_threshold", "probability": 0.5}])
    state = SqliteState(tmp_path / "state.db")
    assert planned(fixed) == []
    assert planner_of("default", fixed, SamplerOptions(), state, Pace()) is None
    state.close()


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ([{"most": 30, "per": "day"}], {"random": 9, "uncertain": 12, "temporal": 9}),
        ([{"most": 30, "per": "day", "each": "source"}], {"random": 18, "uncertain": 24, "temporal": 18}),
        ([{"most": 1, "per": "hour"}], {"random": 7.2, "uncertain": 9.6, "temporal": 7.2}),
    ],
)
def test_what_a_limit_would_refuse_is_not_planned_for(limits: Any, left: dict[str, float]) -> None:
    assert per_day(limits=limits) == left


def test_a_strategy_has_a_budget_of_its_own_and_limits_of_its_own() -> None:
    strategies = [
        {"type": "random", "budget": "10/hour"},
        {"type": "uncertain", "budget": "1/minute", "limits": [{"most": 5, "per": "hour"}]},
        {"type": "temporal", "share": 0.5, "parts": {"lost_track": 1.0}},
    ]
    assert per_day(strategies=strategies, review="100/day", limits=[]) == {
        "random": 240,
        "uncertain": 120,
        "temporal": 50,
    }
