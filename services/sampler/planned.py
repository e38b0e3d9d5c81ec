"""Planned: which strategies of a collection have a budget, how much of it limits let through, and the planner of them all."""

from collections.abc import Iterator

from services.sampler.config import NamedCollection, SamplerOptions
from services.sampler.limit_options import samples_per_s
from services.sampler.plan.account import Planned
from services.sampler.planning import Planner
from services.sampler.strategies import Strategy
from shared.ports.state import State
from shared.streams.predictions import PREDICTIONS


def planner_of(name: str, options: NamedCollection, sampler: SamplerOptions, state: State) -> Planner | None:
    """None where every strategy has a fixed probability: no store is asked for a plan then."""
    budgets = tuple(planned(options))
    if not budgets:
        return None
    return Planner(
        state,
        name,
        budgets,
        epoch_ms=round(sampler.epoch_s * 1000),
        declared_per_s=sampler.declared_fps,
        keep_s=PREDICTIONS.retention_s or sampler.memo_s,
        most_reads_per_s=sampler.most_reads_per_s,
        minimum_per_source_per_s=options.review.minimum_per_source.per_s,
    )


def planned(options: NamedCollection) -> Iterator[Planned]:
    """The strategies with a budget of their own or a share of the review, and what they may keep per second."""
    for strategy in options.strategies:
        budget_per_s = wanted_per_s(strategy, options)
        if budget_per_s is not None:
            # What a limit would refuse is not planned for: it would be drawn and published without its image.
            least = [budget_per_s, samples_per_s(strategy.limits), samples_per_s(options.limits)]
            yield Planned(strategy.label, min(one for one in least if one is not None), floor=strategy.floor)


def wanted_per_s(strategy: Strategy, options: NamedCollection) -> float | None:
    """Its budget; None where its probability is fixed."""
    if strategy.budget is not None:
        return strategy.budget.per_s
    return None if strategy.share is None else strategy.share * options.review.budget.per_s
