"""Horizons: over how long a plan looks back, by how much it may keep. Pure."""

from collections.abc import Iterable

KEEPS = 30
"""A horizon is the time of so many keeps: enough that chance does not move the plan much."""
SHORTEST_S, LONGEST_S = 10.0, 86_400.0
EPOCHS = 1000
SHORTEST_EPOCH_S, LONGEST_EPOCH_S = 1, 60
LEDGER_HORIZONS = 6
"""What was over- or underspent is made up for over this many horizons, and forgotten beyond."""


def horizon_s(budgets_per_s: Iterable[float]) -> float:
    """`clip(30 / B, 10 s, 24 h)`, where B are all budgets of a collection together (SCIENCE A.2)."""
    return min(LONGEST_S, max(SHORTEST_S, KEEPS / sum(budgets_per_s)))


def epoch_s(budgets_per_s: Iterable[float]) -> int:
    """How long one plan may hold: a thousandth of the horizon, 1 to 60 s. A small budget needs no new plan each second.

    A plan that knows nothing, of frames a hundred times as many as declared, then overspends by six frames at most.
    """
    return round(min(LONGEST_EPOCH_S, max(SHORTEST_EPOCH_S, horizon_s(budgets_per_s) / EPOCHS)))
