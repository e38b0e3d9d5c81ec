"""Scales: the c of each strategy, by which a frame's weight becomes its probability `min(1, c * w)`. Pure.

Promises: what is drawn, on average, after gates and ledger meets each budget. Where that is more than may be read back per
second, the others are lowered, never the floor.
"""

from collections.abc import Mapping, Sequence

from services.sampler.plan.account import Account, Planned, expected_per_s, wanted_per_s
from services.sampler.plan.bins import WEIGHTS
from services.sampler.plan.horizon import horizon_s
from services.sampler.plan.solve import solve


def scales(
    planned: Sequence[Planned], accounts: Mapping[str, Account], declared_per_s: float, most_reads_per_s: float
) -> dict[str, float]:
    """label → c, from accounts of all that is planned."""
    horizon = horizon_s(one.per_s for one in planned)
    draws = {one.label: _draws_per_s(one, accounts[one.label], horizon) for one in planned}
    floor = sum(draws[one.label] for one in planned if one.floor)
    others = sum(draws.values()) - floor
    share = min(1.0, max(0.0, most_reads_per_s - floor) / others) if others else 1.0
    wanted = {one.label: draws[one.label] * (1.0 if one.floor else share) for one in planned}
    expected = {label: expected_per_s(accounts[label], declared_per_s, horizon) for label in wanted}
    return {label: solve(expected[label], WEIGHTS, rate) for label, rate in wanted.items()}


def _draws_per_s(planned: Planned, account: Account, horizon_s: float) -> float:
    """How many must be drawn so that the wanted ones pass the gates."""
    return wanted_per_s(account, planned, horizon_s) / (1.0 if planned.floor else account.passing)
