"""The honest number end to end: streams with a known truth through the real sampler, feedback, read model and estimators.

Frames go missing, people judge early, late, twice and wrongly, services die, and the figures hold the truth all the same.
`tests/benchmarks/test_honest_number.py` does the same 200 times; docs/accuracy.md has what came of it.
"""

from collections.abc import Sequence

import pytest
from scipy.stats import binom

from tests.e2e.honest.rows import CHANCE, PROMISED, Row, rows, table
from tests.e2e.honest.run import NAIVE, WITH_USERS, Run, run
from tests.e2e.honest.told import LIVE, Told

CELLS = (("planned", 0.15, 1.0), ("fixed", 0.15, 0.7)) * 2
"""Design, errors per object, and how much of the queue is reviewed."""
TRAPS = (NAIVE, WITH_USERS)


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return [run(seed, *cell) for seed, cell in enumerate(CELLS)]


@pytest.fixture(scope="module")
def made(runs: list[Run]) -> list[Row]:
    return rows(one for each in runs for one in each.told)


def honest(made: Sequence[Row]) -> list[Row]:
    return [row for row in made if row.name not in TRAPS]


def test_every_kind_of_figure_holds_the_truth(made: list[Row]) -> None:
    assert [row for row in honest(made) if not row.is_covered] == []
    names = {row.name for row in made}
    for figure in ("frame error rate", "frame miss rate", "object recall", "precision"):
        assert {figure, f"{figure}, a source", f"{figure}, a day"} <= names
    assert {"precision, a class", "live frame error rate"} <= names


def test_all_figures_together_hold_it_as_often_as_promised(made: list[Row]) -> None:
    shown, held = (sum(getattr(row, of) for row in honest(made)) for of in ("figures", "held"))
    print(f"\n{table(made)}\n{held} of {shown} intervals held the truth")
    assert shown > 20 * len(CELLS)
    assert binom.cdf(held, shown, PROMISED) >= CHANCE


def test_the_values_are_off_by_chance_alone(made: list[Row]) -> None:
    """But the live one's, which leans while drawn frames wait: users reject some of them before a reviewer comes."""
    closed = [row for row in honest(made) if LIVE.replace("_", " ") not in row.name]
    assert [row for row in closed if row.is_far_off] == []


def test_figures_are_shown_more_often_than_refused(made: list[Row]) -> None:
    whole = [row for row in honest(made) if "," not in row.name and "evening" not in row.name]
    assert [row for row in whole if row.refused >= row.figures] == []


def test_counting_errors_among_verdicts_is_far_off_and_is_seen(made: list[Row]) -> None:
    (naive,) = (row for row in made if row.name == NAIVE)
    assert not naive.is_covered
    assert naive.bias > 0.05


def test_rejections_of_frames_that_nobody_drew_would_be_seen(runs: list[Run]) -> None:
    """The same draws with them: further up in every run, and past the truth where a figure is narrow enough to tell."""
    assert all(moved_by_users(each) > 0.02 for each in runs)
    narrow = [figure(each, WITH_USERS) for each, (design, _, _) in zip(runs, CELLS, strict=True) if design == "fixed"]
    assert not any(one.holds for one in narrow)


def test_a_design_is_written_once_and_never_changed(runs: list[Run]) -> None:
    """Whatever is said of it later, and however often its prediction is delivered."""
    for each in runs:
        assert all(len(set(copies)) == 1 for copies in each.after.values())
        assert each.before.keys() <= each.after.keys()
        assert all(each.after[sample_id][0] == copies[0] for sample_id, copies in each.before.items())


def test_a_read_model_that_is_built_anew_says_the_same(runs: list[Run]) -> None:
    for each in runs:
        assert list(each.again) == list(each.figures)


def test_what_was_to_go_wrong_did(runs: list[Run]) -> None:
    for each in runs:
        assert each.missing > 0
        assert each.refused_as_gone > 0
        assert any(len(copies) > 1 for copies in each.after.values()), "no batch was delivered again after a kill"


def figure(each: Run, name: str) -> Told:
    (told,) = (one for one in each.told if one.name == name)
    return told


def moved_by_users(each: Run) -> float:
    """By how much; as far as can be where no figure was shown."""
    honest, with_users = figure(each, "frame error rate").value, figure(each, WITH_USERS).value
    return 1.0 if honest is None or with_users is None else with_users - honest
