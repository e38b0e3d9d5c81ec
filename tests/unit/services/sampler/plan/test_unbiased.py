"""Horvitz-Thompson over the plan's draws is unbiased: whatever the scores, budgets, duplicates and throttling (SCIENCE G)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sampler.plan.account import Planned, Totals
from services.sampler.plan.bins import BINS, EDGES
from services.sampler.plan.scales import scales
from services.sampler.plan.state import PlanState, advanced

SECONDS, RUNS = 60, 40
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Frames that are what they are in every run: only the dice differ."""

    fps: int
    budget_per_s: float
    score_power: float
    error_share: float
    twins: float
    most_reads_per_s: float
    declared_per_s: float
    seed: int

    def frames(self) -> list[tuple[Floats, Floats, Floats]]:
        """Per second: weight, whether the model is wrong, and how readily it is taken for a twin."""
        dice = np.random.default_rng(self.seed)
        seconds = []
        for second in range(SECONDS):
            count = dice.poisson(self.fps * (3 if second // 10 % 3 == 1 else 1))
            score = dice.random(count) ** self.score_power
            wrong = dice.random(count) < self.error_share * (0.3 + score)
            seconds.append((np.maximum(score**2, 1e-3), wrong.astype(float), dice.random(count)))
        return seconds


WORLDS = st.builds(
    World,
    fps=st.integers(20, 300),
    budget_per_s=st.floats(1, 15),
    score_power=st.floats(0.5, 6),
    error_share=st.floats(0.05, 0.6),
    twins=st.floats(0, 0.95),
    most_reads_per_s=st.floats(2, 100),
    declared_per_s=st.floats(1, 3000),
    seed=st.integers(0, 2**31),
)


def estimate(world: World, frames: list[tuple[Floats, Floats, Floats]], dice: np.random.Generator) -> float:
    """The number of wrong frames, from one run of plan, draw and gates."""
    planned = (Planned("floor", 0.3 * world.budget_per_s, floor=True), Planned("near", 0.7 * world.budget_per_s))
    totals = {one.label: Totals() for one in planned}
    state: PlanState | None = None
    total, kept_before = 0.0, 0
    for second, (weight, wrong, twin) in enumerate(frames):
        state = advanced(state, planned, totals, 1000 * second)
        scale = scales(planned, state.accounts, world.declared_per_s, world.most_reads_per_s)
        floor, near = min(1.0, scale["floor"]), np.minimum(1.0, scale["near"] * weight)
        # What was kept a second ago makes twins of what comes now: the gate depends on earlier draws.
        gated = twin < world.twins * (kept_before > 0)
        by_floor, by_near = dice.random(len(weight)) < floor, dice.random(len(weight)) < near
        probability = 1 - (1 - floor) * (1 - np.where(gated, 0.0, near))
        kept = by_floor | (by_near & ~gated)
        total += float((wrong / probability)[kept].sum())
        kept_before = int(kept.sum())
        met = np.bincount(np.searchsorted(EDGES, weight), minlength=BINS)
        ones = np.bincount([BINS - 1], minlength=BINS) * len(weight)
        counted = {
            "floor": (ones, by_floor, by_floor),
            "near": (met, by_near & ~by_floor, by_near & ~by_floor & ~gated),
        }
        totals = {label: _more(totals[label], *parts) for label, parts in counted.items()}
    return total


def _more(
    was: Totals, met: npt.NDArray[np.int64], drawn: npt.NDArray[np.bool_], passed: npt.NDArray[np.bool_]
) -> Totals:
    together = (np.array(was.met) + met).tolist()
    return Totals(tuple(together), was.drawn + int(drawn.sum()), was.passed + int(passed.sum()))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(WORLDS)
def test_the_mean_estimate_is_the_truth_within_three_standard_errors(world: World) -> None:
    frames = world.frames()
    truth = sum(float(wrong.sum()) for _, wrong, _ in frames)
    dice = np.random.default_rng(world.seed + 1)
    found = np.array([estimate(world, frames, dice) for _ in range(RUNS)])
    error = found.std(ddof=1) / RUNS**0.5
    assert abs(found.mean() - truth) <= 3 * max(error, 1e-9), (
        f"{found.mean():.0f} ± {error:.0f} of {truth:.0f}: {world}"
    )


def test_the_figure_of_the_science() -> None:
    """HT/truth over 150 runs, budget 20/s of 300 to 900 fps, half of it twins. SCIENCE A.2 had 0.982 ± 0.016 over 60."""
    world = World(300, 20.0, 3.0, 0.1, 0.5, 1e9, 300, seed=11)
    frames = world.frames()
    truth = sum(float(wrong.sum()) for _, wrong, _ in frames)
    dice = np.random.default_rng(5)
    ratios = np.array([estimate(world, frames, dice) / truth for _ in range(150)])
    error = ratios.std(ddof=1) / len(ratios) ** 0.5
    print(f"HT/truth {ratios.mean():.3f} ± {error:.3f} over {len(ratios)} runs")
    assert abs(ratios.mean() - 1) <= 3 * error
