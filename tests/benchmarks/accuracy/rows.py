"""What came out: one row of the CSV for each cell and each way to estimate.

Promises: bias, rmse and width are in units of the true rate; coverage is the share of runs whose interval held the truth.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Row:
    """`family`: frames, audit, boxes, anytime. `labels`: how many were asked for, on average."""

    family: str
    design: str
    error_rate: float
    labels: int
    runs: int
    method: str
    bias: float
    rmse: float
    coverage: float
    width: float


def row(
    cell: tuple[str, str, float, int],
    method: str,
    truth: ArrayLike,
    values: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    rate: float,
) -> Row:
    """Of one number per run. `rate`: in whose units bias and width are."""
    true, value, low, high = (np.asarray(one, float) for one in (truth, values, lows, highs))
    error = (value - true) / rate
    held = (low <= true + 1e-12) & (true - 1e-12 <= high)
    figures = error.mean(), np.sqrt((error**2).mean()), held.mean(), ((high - low) / rate).mean()
    return Row(*cell, len(true), method, *(round(float(figure), 4) for figure in figures))


def write(rows: Iterable[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(astuple(one) for one in rows)


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(line) for line in csv.DictReader(file)]


def _row(line: dict[str, str]) -> Row:
    bias, rmse, coverage, width = (float(line[name]) for name in ("bias", "rmse", "coverage", "width"))
    cell = line["family"], line["design"], float(line["error_rate"]), int(line["labels"])
    return Row(*cell, int(line["runs"]), line["method"], bias, rmse, coverage, width)


def of(rows: Sequence[Row], family: str) -> list[Row]:
    return [one for one in rows if one.family == family]
