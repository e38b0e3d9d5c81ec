"""The honest number end to end, 200 times and more: how often each interval of the pages holds the truth, and its bias.

    GLEANER_BENCH=1 .venv/bin/pytest tests/benchmarks/test_honest_number.py -s

prints the table of docs/accuracy.md, and takes a quarter of an hour on one core.
"""

import os
from itertools import product

import pytest

from tests.e2e.honest.rows import PROMISED, rows, table
from tests.e2e.honest.run import NAIVE, WITH_USERS, run
from tests.e2e.honest.told import LIVE, Told

MEASURES = False
"""No times: the figures are counts."""
RUNS = 208
CELLS = tuple(product(("planned", "fixed"), (0.05, 0.15), (1.0, 0.7)))
"""Design, errors per object, and how much of the queue is reviewed."""


@pytest.mark.skipif(not os.environ.get("GLEANER_BENCH"), reason="takes a quarter of an hour: run `make bench`")
@pytest.mark.timeout(3_600)
def test_every_interval_holds_the_truth_as_often_as_promised() -> None:
    told: list[Told] = []
    for seed in range(1_000, 1_000 + RUNS):
        each = run(seed, *CELLS[seed % len(CELLS)])
        assert list(each.again) == list(each.figures)
        told += each.told
    made = rows(told)
    print(f"\n{RUNS} runs\n{table(made)}")
    honest = [row for row in made if row.name not in (NAIVE, WITH_USERS)]
    assert [row for row in honest if row.coverage < PROMISED] == []
    assert [row for row in honest if row.is_far_off and LIVE.replace("_", " ") not in row.name] == []
    assert all(row.is_far_off and not row.is_covered for row in made if row.name in (NAIVE, WITH_USERS))
