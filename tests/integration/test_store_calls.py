"""What the sampler asks of the state store: nothing for a frame that nobody drew, little for plans, also while it catches up.

A real store is asked, through a counter that lets every call pass.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest

from services.sampler.config import SamplerConfig
from services.sampler.pacing import BURST, MOST_CALLS_PER_S
from services.sampler.service import SamplerService
from shared.ports.state import State
from shared.runtime.service import Received
from shared.streams import PREDICTIONS
from shared.streams.record import Record
from tests.benchmarks import walking
from tests.unit.services.sampler.bench import Bench

BATCH = 250
FOR_PLANS = {"counters", "get", "put", "add", "fix", "put_if_absent"}
"""The verbs that planning uses; `put_if_absent` once an hour, for the sources' factors."""
RARE = {"budget": "1/day"}
UNDRAWN = {"strategies": [{"type": "random", **RARE}, {"type": "uncertain", **RARE}, {"type": "temporal", **RARE}]}


class Counted:
    """A state store that is asked through it; `calls`: verb → how often."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.calls: Counter[str] = Counter()

    def __getattr__(self, verb: str) -> Any:
        ask = getattr(self._state, verb)

        def counted(*given: Any, **named: Any) -> Any:
            self.calls[verb] += 1
            return ask(*given, **named)

        return counted


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = Bench.at(tmp_path)
    yield opened
    opened.close()


def sampler_of(bench: Bench, **settings: Any) -> tuple[SamplerService, Counted]:
    counted = Counted(bench.state)
    backend = replace(bench.backend(), state=cast(State, counted))
    return SamplerService(SamplerConfig.model_validate(settings), backend), counted


def batches(total: int, every_ms: int) -> Iterator[list[Received]]:
    records = (
        Record("predictions", 0, offset, walking.FIRST_MS + every_ms * offset, new.key, new.value)
        for offset, new in enumerate(walking.predictions(total, sources=20, every_ms=every_ms))
    )
    received = (Received(record, PREDICTIONS.decode(record)) for record in records)
    while batch := list(islice(received, BATCH)):
        yield batch


def feed(sampler: SamplerService, total: int, every_ms: int) -> int:
    """Returns how many samples came of it."""
    samples = 0
    for batch in batches(total, every_ms):
        samples += sum(output.stream == "samples" for output in sampler.handle(batch).outputs)
        sampler.confirmed()
    return samples


def test_no_store_is_asked_for_frames_that_nobody_draws(bench: Bench) -> None:
    """Budgets of one frame a day: what is asked is asked for plans, and as often for ten times the frames."""
    few, few_calls = sampler_of(bench, collection="few", **UNDRAWN)
    many, many_calls = sampler_of(bench, collection="many", **UNDRAWN)
    assert feed(few, 500, every_ms=200) == 0
    assert feed(many, 5000, every_ms=20) == 0
    few.close()
    many.close()
    assert few_calls.calls.keys() <= FOR_PLANS
    assert few_calls.calls["fix"] >= 1, "there were plans"
    assert sum(many_calls.calls.values()) <= sum(few_calls.calls.values()) + BATCH // 50
    assert many_calls.calls.keys() <= FOR_PLANS


def test_without_budgets_no_store_is_asked_at_all(bench: Bench) -> None:
    fixed = [{"type": "random", "fraction": 1e-9}, {"type": "uncertain", "probability": 1e-9}]
    sampler, counted = sampler_of(bench, strategies=fixed)
    assert feed(sampler, 1000, every_ms=1000) == 0
    sampler.close()
    assert not counted.calls


def test_a_drawn_frame_is_asked_for_and_its_neighbours_are_not(bench: Bench) -> None:
    """With a floor that draws some: one script for each chunk of them, and no more scripts than frames drawn."""
    sampler, counted = sampler_of(bench, strategies=[{"type": "random", "fraction": 0.01}])
    drawn = feed(sampler, 2000, every_ms=10)
    sampler.close()
    assert drawn > 0
    assert 1 <= counted.calls["decide"] <= drawn
    assert sum(counted.calls.values()) <= 4 * drawn


@pytest.mark.timeout(120)
def test_catching_up_asks_twenty_times_a_second_at_most(bench: Bench) -> None:
    """Hours of log time in seconds, an epoch in each second of them, and two collections that share the calls."""
    more = {"other": {"strategies": [{"type": "uncertain", "budget": "1/day"}]}}
    sampler, counted = sampler_of(bench, collections=more, sampler={"epoch_s": 1}, **UNDRAWN)
    started_s = time.monotonic()
    feed(sampler, 4000, every_ms=4_000)
    took_s = time.monotonic() - started_s
    sampler.close()
    for_plans = sum(calls for verb, calls in counted.calls.items() if verb in FOR_PLANS)
    print(f"{for_plans} calls in {took_s:.1f} s for 16,000 epochs of two collections")
    assert for_plans <= MOST_CALLS_PER_S * took_s + BURST
