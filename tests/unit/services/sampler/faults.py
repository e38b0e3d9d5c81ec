"""Adapters that fail: a call in so many raises Unavailable, before it is done or after, or ends the process.

Promises: what is done is done by the adapter itself; a seed gives the same faults each time. A consumer fails before it polls,
never after: what it gave would be lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from shared.errors import Unavailable
from shared.ports.log import Consumer, Listener, Log, Producer, Reader


class Died(Exception):
    """The process ended at this call."""


@dataclass
class Faults:
    """`unavailable`, `deaths`: how many of all calls fail so. None do while it is not `on`."""

    seed: int
    unavailable: float = 0.05
    deaths: float = 0.01
    on: bool = True

    def __post_init__(self) -> None:
        self._dice = Random(self.seed)
        self.counts = {"unavailable": 0, "deaths": 0}

    def strike(self, name: str, share: float = 0.5) -> None:
        """Before or after a call of this name: half of its faults come before it, half after."""
        if not self.on:
            return
        fate = self._dice.random()
        if fate < self.deaths * share:
            self.counts["deaths"] += 1
            raise Died(name)
        if fate < (self.deaths + self.unavailable) * share:
            self.counts["unavailable"] += 1
            raise Unavailable(name, "as the seed would have it")

    def around(self, adapter: Any, *safe: str, only_before: tuple[str, ...] = ()) -> Any:
        """The adapter, whose methods fail now and then; those that are `safe` never."""
        return _Failing(adapter, self, safe, only_before)


class _Failing:
    def __init__(self, adapter: Any, faults: Faults, safe: tuple[str, ...], only_before: tuple[str, ...]) -> None:
        self._adapter, self._faults = adapter, faults
        self._safe, self._only_before = safe, only_before

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        if not callable(found) or name in self._safe:
            return found
        return self._failing(name, found)

    def _failing(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            self._faults.strike(name)
            answer = call(*given, **named)
            if name not in self._only_before:
                self._faults.strike(name)
            return answer

        return called


class FailingLog:
    """A log whose producers, consumers and readers fail now and then."""

    def __init__(self, log: Log, faults: Faults) -> None:
        self._log, self._faults = log, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def producer(self) -> Producer:
        made: Producer = self._faults.around(self._log.producer(), "close")
        return made

    def consumer(self, group: str, streams: Sequence[str], listener: Listener | None = None) -> Consumer:
        consumer = self._log.consumer(group, streams, listener)
        safe = ("close", "pause", "resume", "assignment", "lag")
        failing: Consumer = self._faults.around(consumer, *safe, only_before=("poll",))
        return failing

    def reader(self) -> Reader:
        made: Reader = self._faults.around(self._log.reader(), "close", only_before=("scan",))
        return made
