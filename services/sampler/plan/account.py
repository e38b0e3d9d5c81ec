"""Accounts: what a strategy met, drew and passed of late, and how far it is from its budget. Pure.

Promises: an account is made of cumulative totals, so that nothing that comes late is lost and whoever goes on from any earlier
account comes to the same ledger. It starts from the declared rate of frames, never from "nothing was met".
"""

from dataclasses import dataclass
from math import exp

from services.sampler.plan.bins import BINS
from services.sampler.plan.horizon import KEEPS, LEDGER_HORIZONS

LEAST_PASSING = 0.02
DOUBT = 2.0
"""As if so many draws had passed: a first one that a gate took away says little about the next."""
FLOOR_KEEPS = 0.5
"""Of its budget, whatever the ledger says: nothing may switch the floor off."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A strategy with a budget: what it may keep per second. `fused`: an automatic limit guards it."""

    label: str
    per_s: float
    floor: bool = False
    fused: bool = True


@dataclass(frozen=True, slots=True)
class Totals:
    """Frames by bin of their weight; those drawn on this strategy's account, and those of them that no gate took. Ever."""

    met: tuple[int, ...] = (0,) * BINS
    drawn: int = 0
    passed: int = 0

    def since(self, earlier: "Totals") -> "Totals":
        """What came after. A store that forgot began again at 0: what it has is what came after."""
        if self.drawn < earlier.drawn or sum(self.met) < sum(earlier.met):
            return self
        met = tuple(max(0, now - then) for now, then in zip(self.met, earlier.met, strict=True))
        return Totals(met, self.drawn - earlier.drawn, max(0, self.passed - earlier.passed))


@dataclass(frozen=True, slots=True)
class Account:
    """Means over the last `window_s`, all per second; `credit`: samples it is behind its budget (below 0: ahead)."""

    totals: Totals
    met_per_s: tuple[float, ...] = (0.0,) * BINS
    drawn_per_s: float = 0.0
    passed_per_s: float = 0.0
    window_s: float = 0.0
    credit: float = 0.0

    @property
    def passing(self) -> float:
        """The share of draws that no gate takes away (g of SCIENCE A.2)."""
        passed = self.passed_per_s * self.window_s + DOUBT
        return min(1.0, max(LEAST_PASSING, passed / (self.drawn_per_s * self.window_s + DOUBT)))


def advance(account: Account, per_s: float, horizon_s: float, totals: Totals, elapsed_s: float) -> Account:
    """The account after `elapsed_s` of log time, when the totals had become these. `per_s`: the budget."""
    window_s = min(account.window_s, horizon_s)
    new = totals.since(account.totals)
    stays = _stays(window_s, horizon_s, elapsed_s)
    comes = (1 - stays) / elapsed_s
    most = LEDGER_HORIZONS * horizon_s * per_s
    credit = account.credit + per_s * elapsed_s - new.passed
    return Account(
        totals=totals,
        met_per_s=tuple(was * stays + n * comes for was, n in zip(account.met_per_s, new.met, strict=True)),
        drawn_per_s=account.drawn_per_s * stays + new.drawn * comes,
        passed_per_s=account.passed_per_s * stays + new.passed * comes,
        window_s=min(horizon_s, window_s + elapsed_s),
        credit=min(most, max(-most, credit)),
    )


def wanted_per_s(account: Account, planned: Planned, horizon_s: float) -> float:
    """What it should keep now, per second: its budget and a part of what it is behind (SCIENCE A.2: Be)."""
    corrected = planned.per_s + account.credit / (LEDGER_HORIZONS * horizon_s)
    return max(corrected, planned.per_s * FLOOR_KEEPS if planned.floor else 0.0)


def expected_per_s(account: Account, declared_per_s: float, horizon_s: float) -> tuple[float, ...]:
    """Frames per second by bin, as the next ones are expected.

    At first the declared frames count as if they had been met for the time of one keep; a full window needs them no more. What
    they weigh is what was met weighs; before anything was met, 1: the most cautious guess.
    """
    window_s, met_per_s = account.window_s, sum(account.met_per_s)
    trusted_s = horizon_s / KEEPS * max(0.0, 1 - window_s / horizon_s)
    rate = (declared_per_s * trusted_s + met_per_s * window_s) / (trusted_s + window_s)
    if not met_per_s:
        return (*account.met_per_s[:-1], rate)
    return tuple(one * rate / met_per_s for one in account.met_per_s)


def _stays(window_s: float, horizon_s: float, elapsed_s: float) -> float:
    """How much an old mean still counts: a plain mean while the window grows, then one that fades with the horizon."""
    grown_s = min(elapsed_s, horizon_s - window_s)
    plain = window_s / (window_s + grown_s) if grown_s else 1.0
    return plain * exp((grown_s - elapsed_s) / horizon_s)
