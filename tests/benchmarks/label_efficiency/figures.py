"""What came out: curves as rows of a CSV, and the figures that are read off them.

Promises: nothing is extrapolated: an arm that ended with fewer labels than asked for has no figure there. Means and standard
errors are over seeds; differences are paired, since every arm of a seed sees the same frames and the same test.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Row:
    """One point of one curve. `clips`: different clips among the chosen frames; the accuracy is balanced, in 0..1."""

    learner: str
    arm: str
    seed: int
    round: int
    labels: int
    clips: int
    balanced_accuracy: float


@dataclass(frozen=True, slots=True)
class Mean:
    """Over seeds; `error` is the standard error of the mean."""

    mean: float
    error: float


def write(rows: Iterable[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows((*astuple(row)[:-1], f"{row.balanced_accuracy:.4f}") for row in rows)


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(line) for line in csv.DictReader(file)]


def _row(line: dict[str, str]) -> Row:
    seed, round_, labels, clips = (int(line[name]) for name in ("seed", "round", "labels", "clips"))
    return Row(line["learner"], line["arm"], seed, round_, labels, clips, float(line["balanced_accuracy"]))


class Curves:
    """The curves of one learner: each arm's, seed by seed."""

    def __init__(self, rows: Sequence[Row], learner: str) -> None:
        self._rows = [row for row in rows if row.learner == learner]
        self.arms = list(dict.fromkeys(row.arm for row in self._rows))
        self.seeds = sorted({row.seed for row in self._rows})

    def at(self, arm: str, labels: int) -> NDArray[np.float64]:
        """Each seed's balanced accuracy with so many labels, between two rounds on the straight line; NaN past its end."""
        return np.array([self._at(arm, seed, labels) for seed in self.seeds])

    def mean_at(self, arm: str, labels: int) -> Mean:
        return _mean(self.at(arm, labels))

    def difference(self, arm: str, other: str, labels: int) -> Mean:
        """Of this arm to the other, paired by seed."""
        return _mean(self.at(arm, labels) - self.at(other, labels))

    def labels_to_reach(self, arm: str, accuracy: float, most: int) -> int | None:
        """The fewest labels from which on, up to `most`, the arm's mean curve is that good; None: it is not at the end."""
        first = max(row.labels for row in self._rows if row.round == 0)
        enough = takewhile(lambda labels: self.mean_at(arm, labels).mean >= accuracy, range(most, first - 1, -1))
        return min(enough, default=None)

    def spent(self, arm: str, round_: int) -> Mean:
        """Labels after that round: what the arm made of its budget."""
        return _mean(np.array([row.labels for row in self._rows if row.arm == arm and row.round == round_], float))

    def clips_a_label(self, arm: str, round_: int) -> float:
        """Different clips among the chosen frames, for each of them: 1 where no two show the same scene."""
        last = [row for row in self._rows if row.arm == arm and row.round == round_]
        initial = {row.seed: row.labels for row in self._rows if row.arm == arm and row.round == 0}
        return float(np.mean([row.clips / max(1, row.labels - initial[row.seed]) for row in last]))

    def _at(self, arm: str, seed: int, labels: int) -> float:
        points = [row for row in self._rows if row.arm == arm and row.seed == seed]
        known = [row.labels for row in points]
        if not known or labels > known[-1]:
            return math.nan
        return float(np.interp(labels, known, [row.balanced_accuracy for row in points]))


def _mean(values: NDArray[np.float64]) -> Mean:
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Mean(float(values.mean()), float(error))
