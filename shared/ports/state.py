"""State: a small memory with a lifetime, changed atomically. What must last is in the streams.

Losing it costs exactness for a moment, never an image. Keys are strings of printable ASCII (the caller escapes or hashes
what people named), the adapter puts its `prefix` before them. Values are bytes. Every call is bounded in time and raises
Unavailable when the store does not answer. Lifetimes go by the store's clock and only clear away what nobody asks for:
no decision depends on one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


def printable(key: str) -> str:
    """The key itself. Raises ValueError for one that a store would not take."""
    if not key or not key.isascii() or not key.isprintable():
        raise ValueError(f"expected a key of printable ASCII, got {key!r}: escape or hash what people named")
    return key


@dataclass(frozen=True, slots=True)
class Charge:
    """One limit that applies: its counter, how much this frame costs, and the most the counter may reach."""

    name: str
    key: str
    amount: int
    most: int
    ttl_s: int


@dataclass(frozen=True, slots=True)
class Undecided:
    """A drawn frame that asks to be kept. `decision` is what its memo will say, for ever after."""

    memo_key: str
    decision: bytes
    ttl_s: int
    charges: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided: `decision` as the memo holds it, `refused_by` names the limit. `fresh`: decided by this call."""

    decision: bytes
    refused_by: str | None
    fresh: bool


class State(Protocol):
    def get(self, key: str) -> bytes | None:
        """The value, None when there is none (any more)."""

    def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """The same for several, in one round trip, in order."""

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Sets it, whatever was there."""

    def put_if_absent(self, key: str, value: bytes, ttl_s: int) -> bytes:
        """Sets it when there is none. Returns what is there now: the value of whoever came first."""

    def add(self, counters: Mapping[str, Mapping[str, int]], ttl_s: int) -> None:
        """Adds whole numbers to fields of counters, all of it as one atomic step; each counter then lives `ttl_s` more.

        A counter that is not there begins at 0. Whoever asks again after Unavailable may count twice: the answer alone may
        have been lost.
        """

    def counters(self, keys: Sequence[str]) -> Sequence[Mapping[str, int]]:
        """All fields of several counters, in order, as they stood at one moment; empty where there is none (any more)."""

    def fix(self, key: str, fields: Mapping[str, bytes], ttl_s: int) -> Mapping[str, bytes]:
        """Sets each of these fields when it is not there, as one atomic step; all of `key` then lives `ttl_s` more.

        Returns what is there now for these fields: the values of whoever came first.
        """

    def fields(self, key: str) -> Mapping[str, bytes]:
        """All that was fixed at this key; empty where nothing was."""

    def decide(self, batch: Sequence[Undecided]) -> Sequence[Decided]:
        """Decides a batch, one after the other, as one atomic step and one round trip. Per frame, in this order:

        1. a memo is there: its decision and its refusal are returned, nothing is charged, nothing else is looked at;
        2. all its charges fit (`counter + amount <= most` for each): all are charged. Otherwise none is, and the
           first that does not fit refuses;
        3. the decision and the refusal become the memo, for `ttl_s`.

        So a redelivered frame gets its old answer and never pays twice. Two equal memo keys in one batch are a delivery
        and its redelivery. All keys of one call share one hash tag (`{collection}`).
        """

    def amend(self, memo_key: str, decision: bytes, ttl_s: int) -> None:
        """Replaces the decision in a memo and keeps who refused it: for what went missing after it was decided."""

    def memo(self, memo_key: str) -> Decided | None:
        """The memo as `decide` would return it (`fresh=False`), None without one."""

    def check(self) -> Sequence[str]:
        """What is wrong with the store as it is set up, in sentences; empty when all is well. Raises Unavailable."""

    def ping(self) -> None: ...

    def close(self) -> None: ...
