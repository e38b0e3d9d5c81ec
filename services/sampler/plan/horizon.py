"""Horizons: over how long a plan looks back, by how much it may keep. Pure."""

from collections.abc import Iterable

KEEPS = 30
"""A horizon is the time of so many keeps: enough that chance does not move the plan much."""
SHORTEST_S, LONGEST_S = 10.0, 86_400.0
LEDGER_HORIZONS = 6
"""What was over- or underspent is made up for over this many horizons, and forgotten beyond."""


def horizon_s(budgets_per_s: Iterable[float]) -> float:
    """`clip(30 / B, 10 s, 24 h)`, where B are all budgets of a collection together (SCIENCE A.2)."""
    return min(LONGEST_S, max(SHORTEST_S, KEEPS / sum(budgets_per_s)))
