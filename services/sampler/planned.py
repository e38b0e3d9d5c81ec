"""Planned: which strategies of a collection have a budget, how much of it limits let through, and the planner of them all."""

from services.sampler.config import NamedCollection, SamplerOptions
from services.sampler.limit_options import samples_per_s
from services.sampler.pacing import Pace
from services.sampler.plan.account import Planned
from services.sampler.planning import Planner
from services.sampler.strategies import Strategy
from shared.ports.state import State
from shared.streams.predictions import PREDICTIONS

READS_PER_KEEP, LEAST_READS_PER_S = 8.0, 20.0
"""At nine near-duplicates in ten a keep costs seven reads (SCIENCE A.2)."""


def planner_of(
    name: str, options: NamedCollection, sampler: SamplerOptions, state: State, pace: Pace
) -> Planner | None:
    """None where every strategy has a fixed probability: no store is asked for a plan then."""
    budgets = planned(options)
    if not budgets:
        return None
    reads_per_s = max(LEAST_READS_PER_S, READS_PER_KEEP * sum(one.per_s for one in budgets))
    return Planner(
        state,
        name,
        budgets,
        epoch_ms=None if sampler.epoch_s is None else round(sampler.epoch_s * 1000),
        declared_per_s=sampler.declared_fps,
        keep_s=PREDICTIONS.retention_s or sampler.memo_s,
        most_reads_per_s=sampler.most_reads_per_s or reads_per_s,
        minimum_per_source_per_s=options.review.minimum_per_source.per_s,
        pace=pace,
    )


def planned(options: NamedCollection) -> list[Planned]:
    """The strategies with a budget of their own or a share of the review, and what they may keep per second.

    What a limit would refuse is not planned for: it would be drawn, and published without its image.
    """
    wanted = [(one, rate) for one in options.strategies if (rate := wanted_per_s(one, options)) is not None]
    own = [(one, _at_most(rate, samples_per_s(one.limits))) for one, rate in wanted]
    in_all = sum(rate for _, rate in own)
    share = _at_most(in_all, samples_per_s(options.limits)) / in_all if in_all else 1.0
    return [Planned(one.label, rate * share, floor=one.floor) for one, rate in own]


def _at_most(rate_per_s: float, limit_per_s: float | None) -> float:
    return rate_per_s if limit_per_s is None else min(rate_per_s, limit_per_s)


def wanted_per_s(strategy: Strategy, options: NamedCollection) -> float | None:
    """Its budget; None where its probability is fixed."""
    if strategy.budget is not None:
        return strategy.budget.per_s
    return None if strategy.share is None else strategy.share * options.review.budget.per_s
