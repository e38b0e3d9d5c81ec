"""SCIENCE A.2's figures: budgets met through bursts, troughs, duplicates and cold starts. Every run prints what it found."""

import random
from collections.abc import Callable

import pytest

from tests.unit.services.sampler.plan.simulating import DAY_S, MIXES, Simulation, thirds

HOUR_S = 3600
PER_S, A_DAY = 2.5, 300 / DAY_S


def burst_and_trough(fps: int) -> Callable[[int], int]:
    """Ten minutes of three times as much, and ten of a third, in each hour."""
    return lambda second: round(fps * {2: 3.0, 4: 0.3}.get(second // 600 % 6, 1.0))


def doorbell(seed: int) -> Callable[[int], int]:
    """Fifty visits between six and twenty-two o'clock: ten frames a second for twenty seconds, and nothing else."""
    dice = random.Random(seed)
    starts = [dice.randrange(6 * HOUR_S, 22 * HOUR_S) for _ in range(50)]
    busy = {start + second for start in starts for second in range(20)}
    return lambda second: 10 if second % DAY_S in busy else 0


@pytest.mark.slow
@pytest.mark.parametrize("gated", [0.0, 0.9])
def test_a_budget_is_met_through_a_burst_and_a_trough_whatever_the_gates_take(gated: float) -> None:
    run = Simulation(thirds(PER_S), burst_and_trough(600), MIXES, 600, gated=gated, seed=7).run(HOUR_S)
    used = run.kept() / (PER_S * HOUR_S)
    minutes = [run.kept(60 * one, 60 * one + 60) / (60 * PER_S) for one in range(60)]
    print(
        f"gated {gated}: {used:.3f}, minutes {min(minutes):.2f}-{max(minutes):.2f}, {run.read() / run.kept():.1f} reads a keep"
    )
    assert used == pytest.approx(1.0, abs=0.02)
    assert min(minutes) > 0.5
    assert max(minutes) < 1.5


@pytest.mark.parametrize(("declared_per_s", "least", "most"), [(5000, 115, 185), (50, 150, 400)])
def test_the_first_minute_keeps_about_its_budget_also_when_a_hundredth_was_declared(
    declared_per_s: int, least: int, most: int
) -> None:
    kept = [
        Simulation(thirds(PER_S), lambda second: 5000, MIXES, declared_per_s, seed=seed).run(60).kept()
        for seed in range(4)
    ]
    print(f"declared {declared_per_s}/s of 5000: {kept} of 150 in the first minute")
    assert least < min(kept)
    assert max(kept) < most


def test_a_doorbell_keeps_about_its_budget() -> None:
    """On its first day it is cautious: it begins with a visit, and no gap has shown yet how rare they are."""
    days = []
    for seed in range(4):
        run = Simulation(thirds(A_DAY), doorbell(seed), MIXES, 10, seed=seed).run(3 * DAY_S)
        days.append([run.kept(day * DAY_S, day * DAY_S + DAY_S) for day in range(3)])
    print(f"doorbell, of 300 a day, three days of four runs: {days}")
    assert all(first > 150 and max(second, third) < 375 for first, second, third in days)
    # The first visit comes after six hours; from then on the budget counts.
    assert all(sum(run) == pytest.approx(300 * 2.75, rel=0.1) for run in days)


@pytest.mark.slow
def test_one_slow_camera_keeps_its_budget() -> None:
    run = Simulation(thirds(A_DAY), lambda second: 1, MIXES, 1, epoch_s=20, seed=3).run(2 * DAY_S)
    days = [run.kept(0, DAY_S), run.kept(DAY_S)]
    print(f"one frame a second, of 300 a day: {days}")
    assert all(265 < kept < 340 for kept in days)


def test_reads_are_capped_and_the_floor_goes_first() -> None:
    """Of 2.5 a second when gates take 90 %: the floor's 0.75 and 2.25 reads of the others."""
    run = Simulation(thirds(PER_S), lambda second: 600, MIXES, 600, gated=0.9, most_reads_per_s=3.0, seed=5).run(600)
    reads = run.read() / 600
    print(
        f"reads {reads:.2f} of 3.00 per second; kept by strategy { ({label: sum(n) for label, n in run.passed.items()}) }"
    )
    assert reads == pytest.approx(3.0, rel=0.1)
    assert sum(run.passed["floor"]) == pytest.approx(0.75 * 600, rel=0.12)
