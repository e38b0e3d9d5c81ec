"""State: a small memory with a lifetime, changed atomically. What must last is in the streams.

Losing it costs exactness for a moment, never an image. Keys are strings of printable ASCII (the caller escapes or hashes
what people named), the adapter puts its `prefix` before them. Values are bytes. Every call is bounded in time and raises
Unavailable when the store does not answer. Lifetimes go by the store's clock and only clear away what nobody asks for:
no decision depends on one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

HASH_BYTES = 8
HASH_BITS = 64
ENTRY_BYTES = 16


def printable(key: str) -> str:
    """The key itself. Raises ValueError for one that a store would not take."""
    if not key or not key.isascii() or not key.isprintable():
        raise ValueError(f"expected a key of printable ASCII, got {key!r}: escape or hash what people named")
    return key


def hash64(hash_: bytes) -> bytes:
    """The hash itself. Raises ValueError for one that is not 8 bytes long."""
    if len(hash_) != HASH_BYTES:
        raise ValueError(f"expected a hash of {HASH_BYTES} bytes, got {len(hash_)}")
    return hash_


@dataclass(frozen=True, slots=True)
class Charge:
    """One limit that applies: its counter, how much this frame costs, and the most the counter may reach."""

    name: str
    key: str
    amount: int
    most: int
    ttl_s: int


@dataclass(frozen=True, slots=True)
class Near:
    """What a drawn frame is compared with: the ring of what its source had kept last, and perhaps an index of known images.

    `entry`: 16 bytes, big endian: the image's hash (8), its prediction's signature (4), its log time in seconds (4). An
    entry of the ring is a match when it differs in at most `most_bits` bits of the hash, has the same signature, and lies
    within `max_age_s` of log time, before or after. An image of the index `known` (see `learn`) is a match by its hash alone.
    """

    key: str
    entry: bytes
    most_bits: int
    size: int
    max_age_s: int
    ttl_s: int
    add: bool
    """Whether its own entry joins the ring, of which `size` stay, when this decision keeps it."""
    known: str | None = None

    def __post_init__(self) -> None:
        if len(self.entry) != ENTRY_BYTES or not 0 <= self.most_bits <= HASH_BITS:
            raise ValueError(
                f"expected an entry of {ENTRY_BYTES} bytes and at most 0 to {HASH_BITS} bits, "
                f"got {len(self.entry)} bytes and {self.most_bits} bits"
            )


@dataclass(frozen=True, slots=True)
class Undecided:
    """A drawn frame that asks to be kept. `decision` is what its memo will say, for ever after.

    `instead` and `charges_instead` take the place of `decision` and `charges` when `near` finds a match; without `instead` a
    match changes nothing and is only said. `drops`: with a match nothing asks for the frame any more, so `instead` is
    remembered and nothing is charged.
    """

    memo_key: str
    decision: bytes
    ttl_s: int
    charges: tuple[Charge, ...] = ()
    near: Near | None = None
    instead: bytes | None = None
    charges_instead: tuple[Charge, ...] = ()
    drops: bool = False

    def in_case(self, match: bool) -> tuple[bytes, tuple[Charge, ...]]:
        """The decision and its charges, with a match or without."""
        if not match or self.instead is None:
            return self.decision, self.charges
        return self.instead, () if self.drops else self.charges_instead


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided: `decision` as the memo holds it, `refused_by` names the limit. `fresh`: decided by this call."""

    decision: bytes
    refused_by: str | None
    fresh: bool
    distance: int | None = None
    """Of a near-duplicate: the bits by which it differs from the nearest match."""
    known: bool = False
    """The match was in the index of known images, and none in the ring."""


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

        1. a memo is there: its decision, refusal and distance are returned, nothing is charged, nothing else is looked at;
        2. `near` finds a match in the ring or, when there is none, in the index: `instead` is what is decided;
        3. all its charges fit (`counter + amount <= most` for each): all are charged. Otherwise none is, and the
           first that does not fit refuses;
        4. with neither a match nor a refusal, its entry joins the ring where `near.add` says so;
        5. decision, refusal and distance become the memo, for `ttl_s`.

        So a redelivered frame gets its old answer, never pays twice, and never meets its own entry. Two equal memo keys in
        one batch are a delivery and its redelivery. All keys of one call share one hash tag (`{collection}`).
        """

    def amend(self, memo_key: str, decision: bytes, ttl_s: int) -> None:
        """Replaces the decision in a memo, keeps who refused it and its distance: for what went missing afterwards."""

    def memo(self, memo_key: str) -> Decided | None:
        """The memo as `decide` would return it (`fresh=False`), None without one."""

    def learn(self, key: str, hashes: Sequence[bytes]) -> int:
        """Puts hashes of 8 bytes into the index at `key`, as one atomic step. Returns how many were not there before.

        The index has no lifetime: `forget` ends it. `decide` finds every hash of it within 7 bits, and of those further
        away the ones of which one quarter (16 bits) differs in at most one bit: 97.7 % at a distance of 8.
        """

    def known(self, key: str) -> int:
        """How many hashes the index at `key` holds."""

    def forget(self, key: str) -> None:
        """Empties the index at `key`."""

    def check(self) -> Sequence[str]:
        """What is wrong with the store as it is set up, in sentences; empty when all is well. Raises Unavailable."""

    def ping(self) -> None: ...

    def close(self) -> None: ...
