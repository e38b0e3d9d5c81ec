"""Frame error rates: two designs x three error rates x three numbers of labels, and what a simpler estimate would have said."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from services.feedback.accuracy.intervals import clopper_pearson, korn_graubard
from services.feedback.accuracy.rates import Rate, Unit, rate
from tests.benchmarks.accuracy.drawing_frames import DESIGNS, FRAMES, Drawn, Flags, draw, scores, wrong
from tests.benchmarks.accuracy.rows import Row, row

ERROR_RATES = (0.01, 0.05, 0.2)
LABELS = (100, 300, 1000)
GAMMA, NAIVE, FLOOR, WALD, CAPPED = "HT + gamma", "naive mean", "floor alone", "HT + Wald", "Hajek + KG"


@dataclass(slots=True)
class _Runs:
    """What one way to estimate said, run by run."""

    values: list[Rate] = field(default_factory=list)

    def row(self, cell: tuple[str, str, float, int], method: str, truth: list[float]) -> Row:
        value, low, high = np.array(self.values).T
        return row(cell, method, truth, value, low, high, cell[2])


def rows(runs: int, seed: int) -> Iterator[Row]:
    for design in DESIGNS:
        for error_rate in ERROR_RATES:
            for labels in LABELS:
                yield from _cell(
                    design, error_rate, labels, runs, np.random.default_rng([seed, labels, round(1000 * error_rate)])
                )


def _cell(design: str, error_rate: float, labels: int, runs: int, rng: np.random.Generator) -> Iterator[Row]:
    said = {method: _Runs() for method in (GAMMA, NAIVE, FLOOR, WALD, CAPPED)}
    truth = []
    for _ in range(runs):
        score = scores(rng)
        is_wrong = wrong(rng, score, error_rate)
        drawn = draw(rng, design, score, labels)
        truth.append(float(is_wrong.mean()))
        for method, value in _estimates(drawn, is_wrong[drawn.index]).items():
            said[method].values.append(value)
    for method, one in said.items():
        yield one.row(("frames", design, error_rate, labels), method, truth)


def _estimates(drawn: Drawn, is_wrong: Flags) -> dict[str, Rate]:
    units = [Unit(p, bad, not bad) for p, bad in zip(drawn.probability.tolist(), is_wrong.tolist(), strict=True)]
    return {
        GAMMA: rate(units, FRAMES, drawn.floor),
        NAIVE: _counted(is_wrong),
        FLOOR: _counted(is_wrong[drawn.on_floor]),
        WALD: _wald(drawn, is_wrong),
        CAPPED: _capped(drawn, is_wrong),
    }


def _counted(is_wrong: Flags) -> Rate:
    """As if all had been drawn alike."""
    found, all_ = int(is_wrong.sum()), len(is_wrong)
    return Rate(found / all_ if all_ else 0.0, *clopper_pearson(found, all_))


def _wald(drawn: Drawn, is_wrong: Flags) -> Rate:
    weights = 1 / drawn.probability[is_wrong]
    value = weights.sum() / FRAMES
    deviation = np.sqrt(((1 - drawn.probability[is_wrong]) * weights**2).sum()) / FRAMES
    return Rate(value, max(0.0, value - 1.96 * deviation), min(1.0, value + 1.96 * deviation))


def _capped(drawn: Drawn, is_wrong: Flags) -> Rate:
    weights = 1 / drawn.probability
    value = float((weights * is_wrong).sum() / weights.sum())
    variance = ((1 - drawn.probability) * (weights * (is_wrong - value)) ** 2).sum() / weights.sum() ** 2
    size = weights.sum() ** 2 / (weights**2).sum()
    return Rate(value, *korn_graubard(value, float(variance), float(size)))
