"""Solve: the scale at which a budget is met (SCIENCE A.2). Pure.

Promises: `sum(count * min(1, scale * weight)) == budget`, exactly, unless all frames together are fewer than the budget.
"""

from collections.abc import Sequence

MOST_SCALE = 1000.0
"""Draws every frame, of the lightest weight too."""


def solve(counts: Sequence[float], weights: Sequence[float], budget: float) -> float:
    """The c with `sum(counts * min(1, c * weights)) = budget`, at most `MOST_SCALE`. All in frames per the same time."""
    if budget <= 0:
        return 0.0
    heaviest_first = sorted(zip(weights, counts, strict=True), reverse=True)
    below = sum(weight * count for weight, count in heaviest_first)
    for weight, count in heaviest_first:
        # All that are heavier are drawn for certain; is this one still drawn by chance?
        if below > 0 and budget * weight <= below:
            return min(MOST_SCALE, budget / below)
        budget -= count
        below -= weight * count
    return MOST_SCALE
