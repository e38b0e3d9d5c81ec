"""The accuracy simulation: in small with all other tests (shapes, and that its shortcuts are right); whole by `make bench`.

What the page shows is held to the CSV, and the CSV to what is promised.
"""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from docs.pictures import accuracy as picture
from services.feedback.accuracy.confidence_sequence import bounds
from services.feedback.accuracy.intervals import fay_feuer
from tests.benchmarks.accuracy import anytime, audits, boxes, drawing_frames, frames, rows, tables
from tests.benchmarks.accuracy.__main__ import FAMILIES, simulate
from tests.benchmarks.accuracy.rows import Row, of

MEASURES = False
"""No times: all but the whole simulation runs with all other tests."""
DOCS = Path(__file__).parents[2] / "docs"
RUNS, LEAST_COVERAGE = 1_000, 0.945
"""A thousand runs tell 95 % from 93.6 % (two standard errors)."""
SHIPPED = (frames.GAMMA, boxes.PRECISION, boxes.MISSES, boxes.RECALL, anytime.SEQUENCE, *audits.WAYS)


def promised(made: list[Row]) -> list[Row]:
    """The intervals that pages show: not the ways to estimate that stand beside them for comparison."""
    return [row for row in made if row.method in SHIPPED]


def check(made: list[Row]) -> None:
    assert len(promised(made)) == 18 + 12 + 18 + 6
    assert all(row.runs >= RUNS for row in promised(made))
    failed = [row for row in promised(made) if row.coverage < LEAST_COVERAGE]
    assert failed == []
    assert all(
        abs(row.bias) < 4 * row.rmse / row.runs**0.5 + 0.01 for row in of(made, "frames") if row.method == frames.GAMMA
    )


@pytest.mark.skipif(not os.environ.get("GLEANER_BENCH"), reason="takes minutes: run `make bench`")
@pytest.mark.timeout(3_600)
def test_intervals_hold_the_truth_in_every_cell() -> None:
    check(list(simulate(RUNS, seed=2)))


def test_the_csv_keeps_the_promise() -> None:
    check(rows.read(DOCS / "accuracy.csv"))


def test_the_page_shows_the_figures_of_the_csv() -> None:
    page = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert tables.figures(rows.read(DOCS / "accuracy.csv")) in page
    assert (DOCS / "pictures" / picture.NAME).stat().st_size < 250_000
    assert f"pictures/{picture.NAME}" in page


def test_the_picture_has_a_dot_for_every_cell() -> None:
    made = rows.read(DOCS / "accuracy.csv")
    assert sum(len(coverages) for _, coverages, _ in picture.groups(made)) == len(made)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.__name__).rpartition(".")[2])
def test_a_family_in_small(family) -> None:  # type: ignore[no-untyped-def]
    made = list(islice(family.rows(12, seed=3), 3))
    assert all(row.runs == 12 and row.width > 0 for row in made)
    assert all(row.coverage >= 0.75 for row in promised(made))


def test_rows_are_the_same_after_the_csv(tmp_path: Path) -> None:
    made = [Row("frames", "mix", 0.05, 300, 12, "HT + gamma", -0.0125, 0.25, 0.9917, 1.375)]
    rows.write(made, tmp_path / "some.csv")
    assert rows.read(tmp_path / "some.csv") == made


@pytest.mark.parametrize("design", drawing_frames.DESIGNS)
def test_a_design_draws_what_its_probabilities_say(design: str) -> None:
    rng = np.random.default_rng(5)
    score = drawing_frames.scores(rng)
    drawn = [drawing_frames.draw(rng, design, score, 300) for _ in range(40)]
    assert np.mean([len(one.index) for one in drawn]) == pytest.approx(300, rel=0.05)
    assert np.mean([(1 / one.probability).sum() for one in drawn]) == pytest.approx(drawing_frames.FRAMES, rel=0.05)


def test_a_bounds_look_is_the_same_as_asking_the_martingales() -> None:
    """And the gamma interval of many runs at once the one of each."""
    rng = np.random.default_rng(6)
    sums = anytime.Sums(base=0.03, runs=20)
    for seen in islice(anytime._stream(sums, 0.05, rng), 4, 40, 12):
        _same(sums, seen)


def _same(sums: anytime.Sums, seen: int) -> None:
    held, gamma = anytime.holds(sums, seen), anytime._gamma(sums, seen)
    for run in range(sums.runs):
        low, high = bounds(sums.errors[run], seen, sums.base)
        assert held[anytime.SEQUENCE][run] == (low <= sums.truth[run] / seen <= high)
        rate, variance = sums.total[run] / seen, sums.squares[run] / seen**2
        one = fay_feuer(float(rate), float(variance), 1 / (sums.base * seen))
        assert one == pytest.approx((gamma[0][run], gamma[1][run]), abs=1e-9)
