"""Plan state: up to when plans were made, and every strategy's account then; kept in the state store. Pure.

Promises: each state is whole, so that replicas may go on from different ones, in any order: they plan from the same totals. A
state that cannot be read (of another version) is begun anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from services.sampler.plan.account import Account, Planned, Totals, advance
from services.sampler.plan.horizon import horizon_s


@dataclass(frozen=True, slots=True)
class PlanState:
    """`time_ms`: log time up to which the accounts go. label → account."""

    time_ms: int
    accounts: Mapping[str, Account]


_FORM = TypeAdapter(PlanState)


def to_bytes(state: PlanState) -> bytes:
    return _FORM.dump_json(state)


def from_bytes(stored: bytes | None) -> PlanState | None:
    try:
        return None if stored is None else _FORM.validate_json(stored)
    except ValidationError:
        return None


def advanced(
    state: PlanState | None, planned: Sequence[Planned], totals: Mapping[str, Totals], time_ms: int
) -> PlanState:
    """The state at `time_ms`, when these were the totals; the same one when that is in its past. New strategies begin."""
    before = PlanState(time_ms, {}) if state is None else state
    elapsed_s = (time_ms - before.time_ms) / 1000
    horizon = horizon_s(one.per_s for one in planned)
    accounts = dict(before.accounts)
    for one in planned:
        account = before.accounts.get(one.label)
        if account is None:
            accounts[one.label] = Account(totals[one.label])
        elif elapsed_s > 0:
            accounts[one.label] = advance(account, one.per_s, horizon, totals[one.label], elapsed_s)
    return PlanState(max(time_ms, before.time_ms), accounts)
