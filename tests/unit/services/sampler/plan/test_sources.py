"""The floor's factors: a quiet camera gets its checks, and the budget is what it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.plan.sources import Factors, factors

DAY_S = 86_400.0
FRAMES = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 10**6), min_size=1, max_size=30)


def draws(frames: dict[str, int], found: Factors, budget: float) -> dict[str, float]:
    """Of a day, at the scale that meets the budget, where no probability reaches 1."""
    scale = budget / sum(count * found.of(source) for source, count in frames.items())
    return {source: count * min(1.0, scale * found.of(source)) for source, count in frames.items()}


def test_a_quiet_source_gets_its_minimum() -> None:
    frames = {"hall": 500_000, "gate": 400_000, "attic": 1_000}
    found = draws(frames, factors(frames, DAY_S, 20 / DAY_S, 1 / DAY_S), 20)
    assert found["attic"] == pytest.approx(1, abs=0.03)
    assert sum(found.values()) == pytest.approx(20)
    assert found["hall"] > found["gate"] > 7


@given(FRAMES, st.floats(1, 100), st.floats(0.1, 3))
def test_every_source_gets_its_minimum_or_an_even_share(frames: dict[str, int], budget: float, least: float) -> None:
    """Unless it has too few frames, or is a thousand times rarer than another."""
    found = factors(frames, DAY_S, budget / DAY_S, least / DAY_S)
    promised = min(least, budget / len(frames))
    if (
        sum(frames.values()) > 2 * budget
        and max(frames.values()) < 500 * min(frames.values())
        and min(frames.values()) > 100
    ):
        assert min(draws(frames, found, budget).values()) >= promised * 0.999


@given(FRAMES, st.floats(1, 100), st.floats(0.1, 3))
def test_factors_are_weights(frames: dict[str, int], budget: float, least: float) -> None:
    found = factors(frames, DAY_S, budget / DAY_S, least / DAY_S)
    assert all(1e-3 <= factor <= 1 for factor in (*found.known.values(), found.unknown))
    assert max(found.known.values()) == 1


def test_a_source_that_nobody_met_weighs_as_if_its_share_were_fair() -> None:
    found = factors({"a": 1000, "b": 1000, "c": 10}, DAY_S, 30 / DAY_S, 1 / DAY_S)
    assert found.known["a"] < found.unknown < found.known["c"]
    assert factors({"a": 1000, "b": 1000}, DAY_S, 30 / DAY_S, 1 / DAY_S).unknown == pytest.approx(1)


def test_nothing_met_weighs_all_alike() -> None:
    assert factors({}, DAY_S, 1, 1).of("anything") == 1
