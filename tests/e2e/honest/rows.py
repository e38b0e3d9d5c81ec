"""Rows: what many runs say together. Per kind of figure, how often its interval held the truth, its width, its value's bias."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from tests.e2e.honest.told import Told

CHANCE = 1e-4
"""A true promise fails a check this rarely."""
PROMISED = 0.95
_95_DEVIATIONS = 1.96


@dataclass(frozen=True, slots=True)
class Row:
    """`bias`, `bias_error`: mean of value - truth, and the standard error of that mean. `truth`: mean."""

    name: str
    figures: int
    refused: int
    held: int
    truth: float
    width: float
    bias: float
    bias_error: float

    @property
    def coverage(self) -> float:
        return self.held / self.figures

    @property
    def is_covered(self) -> bool:
        """Not fewer held than a true 95 % gives."""
        return bool(binom.cdf(self.held, self.figures, PROMISED) >= CHANCE)

    @property
    def is_far_off(self) -> bool:
        """The value, further than chance explains."""
        return abs(self.bias) > 5 * self.bias_error


def rows(told: Iterable[Told]) -> list[Row]:
    """In the order in which the names first come; without those that were refused in every run."""
    by_name: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        by_name[one.name].append(one)
    return [_row(name, ones) for name, ones in by_name.items() if any(one.low is not None for one in ones)]


def _row(name: str, told: Sequence[Told]) -> Row:
    shown = [(one.truth, one.value, one.low, one.high) for one in told if one.low is not None]
    truth, value, low, high = np.array(shown, float).T
    off, width = value - truth, high - low
    # Of few runs the spread says little: a value lies no further from the truth than its interval is wide.
    spread = max(float(off.std()), float(width.mean()) / (2 * _95_DEVIATIONS)) if len(shown) < 30 else float(off.std())
    held = sum(one.holds for one in told)
    refused = len(told) - len(shown)
    error = spread / len(shown) ** 0.5
    return Row(name, len(shown), refused, held, truth.mean(), width.mean(), off.mean(), error)


def table(made: Iterable[Row]) -> str:
    head = "| figure | figures | refused | coverage | truth | width | bias ± standard error |"
    lines = [head, "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in made:
        off = f"{100 * row.bias:+.2f} ± {100 * row.bias_error:.2f}"
        cells = [row.name, f"{row.figures:,}", f"{row.refused:,}", f"{100 * row.coverage:.1f} %"]
        cells += [f"{100 * row.truth:.1f} %", f"{100 * row.width:.1f}", off]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
