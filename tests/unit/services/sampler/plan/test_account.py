"""Accounts: means over a window that grows, a ledger that nothing is lost from, and what the gates leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.plan.account import Account, Planned, Totals, advance, expected_per_s, wanted_per_s
from services.sampler.plan.bins import BINS

HORIZON_S = 100.0
PER_S = 0.3


def met(frames: int, drawn: int = 0, passed: int = 0) -> Totals:
    return Totals((0,) * (BINS - 1) + (frames,), drawn, passed)


def after(steps: list[tuple[float, Totals]], account: Account | None = None) -> Account:
    account = account or Account(Totals())
    for elapsed_s, totals in steps:
        account = advance(account, PER_S, HORIZON_S, totals, elapsed_s)
    return account


def test_a_young_account_is_a_plain_mean() -> None:
    account = after([(1, met(10)), (3, met(10)), (4, met(40))])
    assert account.met_per_s[-1] == pytest.approx(40 / 8)
    assert account.window_s == 8


def test_an_old_account_forgets() -> None:
    account = after([(HORIZON_S, met(1000)), (10 * HORIZON_S, met(1000))])
    assert account.met_per_s[-1] == pytest.approx(10 * 4.5e-5, rel=0.01)


@given(st.lists(st.tuples(st.floats(0.5, 500), st.integers(0, 100), st.integers(0, 50)), min_size=1, max_size=20))
def test_means_do_not_depend_on_how_often_one_looks(steps: list[tuple[float, int, int]]) -> None:
    """A steady stream is its rate, however it is cut."""
    at_s, cuts = 0.0, []
    for elapsed_s, _, _ in steps:
        at_s += elapsed_s
        cuts.append((elapsed_s, Totals((0,) * (BINS - 1) + (round(1e6 * at_s),), 0, 0)))
    assert after(cuts).met_per_s[-1] == pytest.approx(1e6, rel=1e-4)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), min_size=2, max_size=12),
    st.sets(st.integers(0, 11)),
)
def test_the_ledger_comes_to_the_same_whoever_goes_on_from_where(
    steps: list[tuple[int, int]], skipped: set[int]
) -> None:
    """A replica that goes on from an older state finds in the totals all that the newer one knew."""
    at_s, passed, looks = 0, 0, []
    for elapsed_s, more in steps:
        at_s, passed = at_s + elapsed_s, passed + more
        looks.append((at_s, met(0, passed, passed)))
    kept = [look for number, look in enumerate(looks) if number not in skipped or number == len(looks) - 1]
    credits = []
    for seen in (looks, kept):
        times = [0, *(time_s for time_s, _ in seen)]
        credits.append(
            after([(now - was, one) for was, now, (_, one) in zip(times, times[1:], seen, strict=False)]).credit
        )
    assert credits[0] == pytest.approx(credits[1])


def test_what_is_behind_is_made_up_for_over_six_horizons() -> None:
    planned = Planned("near", PER_S)
    account = after([(HORIZON_S, met(1000, 0, 0))])
    assert account.credit == pytest.approx(30)
    assert wanted_per_s(account, planned, HORIZON_S) == pytest.approx(PER_S + 30 / 600)


def test_the_ledger_is_bounded() -> None:
    assert after([(1e6, met(0))]).credit == pytest.approx(6 * HORIZON_S * PER_S)
    assert after([(1, met(0, 10**6, 10**6))]).credit == pytest.approx(-6 * HORIZON_S * PER_S)


def test_nothing_switches_the_floor_off() -> None:
    account = after([(1, met(0, 10**6, 10**6))])
    assert wanted_per_s(account, Planned("floor", PER_S, floor=True), HORIZON_S) == pytest.approx(PER_S / 2)
    assert wanted_per_s(account, Planned("near", PER_S), HORIZON_S) == 0


def test_what_gates_take_is_learned_but_not_from_one_draw() -> None:
    assert after([(1, met(9, 1, 0))]).passing == pytest.approx(2 / 3)
    assert after([(HORIZON_S, met(9, 300, 30))]).passing == pytest.approx(0.106, abs=0.001)
    assert after([(HORIZON_S, met(9, 10**5, 0))]).passing == 0.02


def test_before_anything_is_met_the_declared_frames_are_expected_and_weigh_most() -> None:
    expected = expected_per_s(Account(Totals()), 500.0, HORIZON_S)
    assert expected == (0.0,) * (BINS - 1) + (500.0,)


def test_the_declared_rate_gives_way_to_what_is_met() -> None:
    account = after([(1, Totals((5,) + (0,) * (BINS - 1), 0, 0))])
    assert 5 < sum(expected_per_s(account, 500.0, HORIZON_S)) < 500
    account = after([(HORIZON_S, Totals((500,) + (0,) * (BINS - 1), 0, 0))])
    assert sum(expected_per_s(account, 500.0, HORIZON_S)) == pytest.approx(5)


def test_a_store_that_forgot_begins_again() -> None:
    account = after([(10, met(1000, 5, 5))])
    account = advance(account, PER_S, HORIZON_S, met(10, 1, 1), 10)
    assert account.met_per_s[-1] == pytest.approx(1010 / 20)
    assert account.credit == pytest.approx(20 * PER_S - 6)
