"""Simulated plans: the sampler's own planner on a scratch store, whose clock is the log time of the predictions.

Promises: begins with what the live planner knew of strategies that are still the same, so that it does not learn anew what is
known; nothing is waited for.
"""

from collections.abc import Mapping
from dataclasses import replace

from services.sampler.config import NamedCollection, SamplerOptions
from services.sampler.pacing import Pace
from services.sampler.plan import state as plan_state
from services.sampler.plan.account import Totals
from services.sampler.plan.state import PlanState
from services.sampler.planned import planner_of
from services.sampler.planning import Planner
from services.sampler.source_factors import HOUR_MS, LOOKS_BACK, hour_name
from shared.ports.state import State
from shared.streams import keys

_OF_AMOUNT = {"budget", "share", "tags", "limits"}
"""Options that say how much is kept; all others say what interests."""
SCRATCH_S = 7 * 86_400


class LogClock:
    """The log time of the batch in hand, as a planner's clock. Nobody waits for it."""

    def __init__(self) -> None:
        self.time_ms = 0

    def pace(self) -> Pace:
        return Pace(lambda: self.time_ms / 1000, lambda wait_s: None)


def simulated(
    name: str, options: NamedCollection, sampler: SamplerOptions, scratch: State, clock: LogClock
) -> Planner | None:
    """The planner of a collection; None where none is needed."""
    return planner_of(name, options, sampler, scratch, clock.pace())


def begin(planner: Planner, known: PlanState | None, same: set[str], live: State, start_ms: int) -> None:
    """What was known live becomes the first state of a simulated planner. `same`: strategies that look for the same."""
    scratch, name = planner.state, planner.collection
    if known is not None and same & known.accounts.keys():
        accounts = {
            label: replace(account, totals=Totals(), credit=0.0)
            for label, account in known.accounts.items()
            if label in same
        }
        begun = PlanState(start_ms - start_ms % planner.epoch_ms, accounts)
        scratch.put(keys.plan_state_key(name), plan_state.to_bytes(begun), SCRATCH_S)
    _copy_sources(name, scratch, live, start_ms // HOUR_MS)


def _copy_sources(name: str, scratch: State, live: State, hour: int) -> None:
    """How many frames each source had in the hours before, of which the floor's factors are made."""
    counted = [f"{keys.totals_key(name)}:sources:{hour_name(one)}" for one in range(hour - LOOKS_BACK, hour)]
    frames = dict(zip(counted, live.counters(counted), strict=True))
    scratch.add({key: counts for key, counts in frames.items() if counts}, SCRATCH_S)


def looking_for_the_same(old: NamedCollection | None, new: NamedCollection) -> set[str]:
    """Labels of strategies whose scores and weights are those of the old ones."""
    before = {} if old is None else {one.label: one.model_dump(exclude=_OF_AMOUNT) for one in old.strategies}
    return {one.label for one in new.strategies if before.get(one.label) == one.model_dump(exclude=_OF_AMOUNT)}


def live_state(live: State, collection: str) -> PlanState | None:
    """What the live planner knows now."""
    return plan_state.from_bytes(live.get(keys.plan_state_key(collection)))


def passing(known: PlanState | None) -> Mapping[str, float]:
    """strategy → the share of its draws that gates let through live."""
    return {} if known is None else {label: account.passing for label, account in known.accounts.items()}
