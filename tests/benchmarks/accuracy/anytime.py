"""A figure that is looked at 200 times: errors in clumps, a rate that doubles half-way, more draws after an error was found.

All runs of a cell go through the stream side by side. Whether the truth lies in the confidence sequence is asked of its two
martingales, which is the same as of its bounds and saves the bisection; a test holds the two to each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from services.feedback.accuracy.confidence_sequence import bounds
from tests.benchmarks.accuracy.rows import Row, row

ERROR_RATES = (0.01, 0.05, 0.2)
LABELS = (600, 2000)
FRAMES, SEGMENT, LOOK_EVERY = 20_000, 20, 100
BAD_SEGMENT = 0.5
"""The error rate within a segment that has errors."""
ALERT_SEGMENTS = 25
WALD, GAMMA, SEQUENCE = "Wald", "gamma", "confidence sequence"
METHODS = (WALD, GAMMA, SEQUENCE)
ALPHA = 0.05
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Sums:
    """Of each run so far. `up`, `down`: the martingales' logarithms, less what depends on the rate; `errors`: for the end."""

    base: float
    runs: int
    truth: Floats = field(init=False)
    total: Floats = field(init=False)
    squares: Floats = field(init=False)
    up: Floats = field(init=False)
    down: Floats = field(init=False)
    drawn: Floats = field(init=False)
    errors: list[list[float]] = field(init=False)

    def __post_init__(self) -> None:
        self.truth, self.total, self.squares, self.drawn = np.zeros((4, self.runs))
        self.up, self.down = np.zeros((self.runs, 8)), np.zeros((self.runs, 14))
        self.errors = [[] for _ in range(self.runs)]

    @property
    def up_grid(self) -> Floats:
        return np.asarray(-0.95 * self.base * 0.5 ** np.arange(8.0), float)

    @property
    def down_grid(self) -> Floats:
        return np.geomspace(self.base / 32, 2, 14)

    def add(self, wrong: NDArray[np.bool_], drawn: NDArray[np.bool_], probability: Floats) -> NDArray[np.bool_]:
        """A segment of each run, (runs, frames). Gives where an error was found."""
        found = (wrong & drawn).sum(axis=1)
        self.truth += wrong.sum(axis=1)
        self.drawn += drawn.sum(axis=1)
        self.total += found / probability
        self.squares += found * (1 - probability) / probability**2
        self.up += found[:, None] * np.log1p(self.up_grid / probability[:, None])
        self.down += found[:, None] * np.log1p(self.down_grid / probability[:, None])
        for run in np.flatnonzero(found):
            self.errors[run] += [1 / probability[run]] * int(found[run])
        return np.asarray(found > 0, bool)


def rows(runs: int, seed: int) -> Iterator[Row]:
    for error_rate in ERROR_RATES:
        for labels in LABELS:
            yield from _cell(error_rate, labels, runs, np.random.default_rng([seed, labels, round(1000 * error_rate)]))


def _cell(error_rate: float, labels: int, runs: int, rng: np.random.Generator) -> Iterator[Row]:
    sums = Sums(labels / FRAMES, runs)
    held = {method: np.ones(runs, bool) for method in METHODS}
    for seen in _stream(sums, error_rate, rng):
        for method, is_in in holds(sums, seen).items():
            held[method] &= is_in
    truth, value = sums.truth / FRAMES, sums.total / FRAMES
    for method, (low, high) in _ends(sums).items():
        made = row(
            ("anytime", "adaptive", error_rate, round(float(sums.drawn.mean()))), method, truth, value, low, high, 1
        )
        relative = (high - low) / truth
        yield Row(
            *(made.family, made.design, error_rate, made.labels, runs, method),
            bias=round(float(((value - truth) / truth).mean()), 4),
            rmse=round(float(np.sqrt((((value - truth) / truth) ** 2).mean())), 4),
            coverage=round(float(held[method].mean()), 4),
            width=round(float(relative.mean()), 4),
        )


def _stream(sums: Sums, error_rate: float, rng: np.random.Generator) -> Iterator[int]:
    """Yields how many frames were seen, at each look."""
    alert = np.zeros(sums.runs)
    for start in range(0, FRAMES, SEGMENT):
        now = error_rate * (1 if start < FRAMES / 2 else 2) * 2 / 3
        bad = rng.random(sums.runs) < now / BAD_SEGMENT
        wrong = bad[:, None] & (rng.random((sums.runs, SEGMENT)) < BAD_SEGMENT)
        probability = sums.base * np.where(alert > 0, 2.0, 1.0)
        found = sums.add(wrong, rng.random((sums.runs, SEGMENT)) < probability[:, None], probability)
        alert = np.where(found, ALERT_SEGMENTS, np.maximum(alert - 1, 0))
        if (start + SEGMENT) % LOOK_EVERY == 0:
            yield start + SEGMENT


def holds(sums: Sums, seen: int) -> dict[str, NDArray[np.bool_]]:
    """Whether each way's interval holds the true rate so far, run by run."""
    truth = sums.truth / seen
    wald, gamma = _wald(sums, seen), _gamma(sums, seen)
    limit = np.log(2 / ALPHA)
    return {
        WALD: (wald[0] <= truth) & (truth <= wald[1]),
        GAMMA: (gamma[0] <= truth) & (truth <= gamma[1]),
        SEQUENCE: (_against(sums.up, sums.up_grid, truth, seen) < limit)
        & (_against(sums.down, sums.down_grid, truth, seen) < limit),
    }


def _against(products: Floats, grid: Floats, truth: Floats, seen: int) -> Floats:
    exponents = products - seen * np.log1p(grid * truth[:, None])
    return np.asarray(np.log(np.exp(exponents).mean(axis=1)), float)


def _wald(sums: Sums, seen: int) -> tuple[Floats, Floats]:
    value, deviation = sums.total / seen, np.sqrt(sums.squares) / seen
    return value - 1.96 * deviation, value + 1.96 * deviation


def _gamma(sums: Sums, seen: int) -> tuple[Floats, Floats]:
    """`intervals.fay_feuer` of many runs at once."""
    rate, variance, heaviest = sums.total / seen, sums.squares / seen**2, 1 / (sums.base * seen)
    some = np.where(rate > 0, rate, 1.0)
    spread = np.where(rate > 0, variance, 1.0)
    low = spread / (2 * some) * chi2.ppf(ALPHA / 2, 2 * some**2 / spread)
    most, widest = rate + heaviest, variance + heaviest**2
    high = widest / (2 * most) * chi2.ppf(1 - ALPHA / 2, 2 * most**2 / widest)
    return np.where(rate > 0, low, 0.0), np.minimum(high, 1.0)


def _ends(sums: Sums) -> dict[str, tuple[Floats, Floats]]:
    pairs = np.array([bounds(errors, FRAMES, sums.base) for errors in sums.errors])
    return {WALD: _wald(sums, FRAMES), GAMMA: _gamma(sums, FRAMES), SEQUENCE: (pairs[:, 0], pairs[:, 1])}
