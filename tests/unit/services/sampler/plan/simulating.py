"""A stream of frames, simulated epoch by epoch with nothing but the plan's own functions; seeds make it the same each time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add

import numpy as np

from services.sampler.plan.account import Planned, Totals
from services.sampler.plan.bins import BINS, WEIGHTS
from services.sampler.plan.scales import scales
from services.sampler.plan.state import PlanState, advanced

DAY_S = 86_400


@dataclass
class Simulation:
    """`frames(second)`: how many come. `mixes`: label → how likely each weight is, by bin; `gated`: what gates take away."""

    planned: Sequence[Planned]
    frames: Callable[[int], int]
    mixes: Mapping[str, Sequence[float]]
    declared_per_s: float
    gated: float = 0.0
    epoch_s: int = 1
    most_reads_per_s: float = 1e9
    seed: int = 1
    passed: dict[str, list[int]] = field(default_factory=dict)
    drawn: dict[str, list[int]] = field(default_factory=dict)

    def run(self, seconds: int) -> "Simulation":
        dice = np.random.default_rng(self.seed)
        weights = np.array(WEIGHTS)
        totals = {one.label: Totals() for one in self.planned}
        self.passed = {one.label: [] for one in self.planned}
        self.drawn = {one.label: [] for one in self.planned}
        state: PlanState | None = None
        for second in range(0, seconds, self.epoch_s):
            come = sum(self.frames(one) for one in range(second, second + self.epoch_s))
            if not come:
                self._note(dict.fromkeys(totals, 0), dict.fromkeys(totals, 0))
                continue
            # As replicas do: the counts of the last epoch come when the next one begins.
            delay_s = self.epoch_s if state else 0
            state = advanced(state, self.planned, totals, (second - delay_s) * 1000)
            scale = scales(self.planned, state.accounts, self.declared_per_s, self.most_reads_per_s)
            drawn, passed = {}, {}
            for one in self.planned:
                label = one.label
                met = dice.multinomial(come, self.mixes[label])
                drawn[label] = int(dice.binomial(met, np.minimum(1.0, scale[label] * weights)).sum())
                passed[label] = drawn[label] if one.floor else int(dice.binomial(drawn[label], 1 - self.gated))
                totals[label] = _more(totals[label], met.tolist(), drawn[label], passed[label])
            self._note(drawn, passed)
        return self

    def _note(self, drawn: Mapping[str, int], passed: Mapping[str, int]) -> None:
        for label in passed:
            self.drawn[label].append(drawn[label])
            self.passed[label].append(passed[label])

    def kept(self, first_s: int = 0, end_s: int | None = None) -> int:
        cut = slice(first_s // self.epoch_s, None if end_s is None else end_s // self.epoch_s)
        return sum(sum(passed[cut]) for passed in self.passed.values())

    def read(self) -> int:
        return sum(map(sum, self.drawn.values()))


def _more(totals: Totals, met: Sequence[int], drawn: int, passed: int) -> Totals:
    return Totals(tuple(map(add, totals.met, met)), totals.drawn + drawn, totals.passed + passed)


CERTAIN = (0.0,) * (BINS - 1) + (1.0,)
"""Every frame weighs 1: the floor, or a match."""


def skewed(power: float = 3.0) -> tuple[float, ...]:
    """Most frames weigh little, as scores do; each decade of weights is rarer than the one below it."""
    rarity = np.array(WEIGHTS) ** (-power / 6)
    return tuple(rarity / rarity.sum())


def thirds(per_s: float) -> tuple[Planned, ...]:
    """The default split of a budget: floor, uncertain, temporal."""
    return (
        Planned("floor", 0.3 * per_s, floor=True),
        Planned("uncertain", 0.4 * per_s),
        Planned("temporal", 0.3 * per_s),
    )


MIXES = {"floor": CERTAIN, "uncertain": skewed(), "temporal": skewed(4.0)}
