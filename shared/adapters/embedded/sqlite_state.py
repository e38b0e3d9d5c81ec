"""The state store on one box: a SQLite file that several processes share.

Promises: `shared.ports.state`; `decide` is one transaction. Nothing is fsynced: it outlives a killed process, and a power
loss may take the last moments, as the port allows. What has expired is not seen, and is cleared away now and then.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.adapters.embedded import sqlite_fields
from shared.adapters.embedded.database import Database
from shared.ports.state import Charge, Decided, Undecided, printable

SWEEP_S = 60.0
_SWEEP_ROWS = 10_000
_SET = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)"
_GET = "SELECT value, refused_by FROM entries WHERE key = ? AND expires_s > ?"


class SqliteState:
    """`file` on a local disk; `now_s` is the store's clock. Safe to share among threads."""

    def __init__(
        self, file: Path, prefix: str = "", timeout_s: float = 5.0, now_s: Callable[[], float] = time.time
    ) -> None:
        schema = Path(__file__).with_name("sqlite_state.sql").read_text(encoding="utf-8")
        self.database = Database(file, schema, "state store", timeout_s)
        self._prefix = prefix
        self._now_s = now_s
        self._sweep_s = 0.0

    def get(self, key: str) -> bytes | None:
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        now_s = self._now_s()
        found = [self.database.rows(_GET, (self._key(key), now_s)) for key in keys]
        return [bytes(rows[0][0]) if rows else None for rows in found]

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        with self._step() as (transaction, now_s):
            transaction.execute(_SET, (self._key(key), value, None, now_s + ttl_s))

    def put_if_absent(self, key: str, value: bytes, ttl_s: int) -> bytes:
        with self._step() as (transaction, now_s):
            there = _find(transaction, self._key(key), now_s)
            if there is None:
                transaction.execute(_SET, (self._key(key), value, None, now_s + ttl_s))
            return value if there is None else there[0]

    def add(self, counters: Mapping[str, Mapping[str, int]], ttl_s: int) -> None:
        if not counters:
            return
        with self._step() as (transaction, now_s):
            for key, amounts in counters.items():
                sqlite_fields.live_on(transaction, self._key(key), now_s, ttl_s)
                sqlite_fields.add(transaction, self._key(key), amounts)

    def counters(self, keys: Sequence[str]) -> Sequence[Mapping[str, int]]:
        return sqlite_fields.counters(self.database, [self._key(key) for key in keys], self._now_s())

    def fix(self, key: str, fields: Mapping[str, bytes], ttl_s: int) -> Mapping[str, bytes]:
        if not fields:
            return {}
        with self._step() as (transaction, now_s):
            sqlite_fields.live_on(transaction, self._key(key), now_s, ttl_s)
            return sqlite_fields.fix(transaction, self._key(key), fields)

    def fields(self, key: str) -> Mapping[str, bytes]:
        return sqlite_fields.fields(self.database, self._key(key), self._now_s())

    def decide(self, batch: Sequence[Undecided]) -> Sequence[Decided]:
        if not batch:
            return []
        with self._step() as (transaction, now_s):
            return [self._decide(transaction, undecided, now_s) for undecided in batch]

    def amend(self, memo_key: str, decision: bytes, ttl_s: int) -> None:
        with self._step() as (transaction, now_s):
            there = _find(transaction, self._key(memo_key), now_s)
            refused_by = None if there is None else there[1]
            transaction.execute(_SET, (self._key(memo_key), decision, refused_by, now_s + ttl_s))

    def memo(self, memo_key: str) -> Decided | None:
        rows = self.database.rows(_GET, (self._key(memo_key), self._now_s()))
        return Decided(bytes(rows[0][0]), rows[0][1], fresh=False) if rows else None

    def check(self) -> Sequence[str]:
        damage = self.database.damage()
        if damage is None:
            return []
        return [
            f"the state store's file is damaged ({damage}): stop gleaner and delete it; it is made anew, limits begin again"
        ]

    def ping(self) -> None:
        self.database.version()

    def close(self) -> None:
        self.database.close()

    def _key(self, key: str) -> str:
        return self._prefix + printable(key)

    @contextmanager
    def _step(self) -> Iterator[tuple[sqlite3.Connection, float]]:
        """One atomic step, and the store's time for all of it."""
        now_s = self._now_s()
        with self.database.write(durable=False) as transaction:
            if now_s >= self._sweep_s:
                _sweep(transaction, now_s)
                self._sweep_s = now_s + SWEEP_S
            yield transaction, now_s

    def _decide(self, transaction: sqlite3.Connection, undecided: Undecided, now_s: float) -> Decided:
        memo_key = self._key(undecided.memo_key)
        there = _find(transaction, memo_key, now_s)
        if there is not None:
            return Decided(*there, fresh=False)
        refused_by = self._charge(transaction, undecided.charges, now_s)
        transaction.execute(_SET, (memo_key, undecided.decision, refused_by, now_s + undecided.ttl_s))
        return Decided(undecided.decision, refused_by, fresh=True)

    def _charge(self, transaction: sqlite3.Connection, charges: Sequence[Charge], now_s: float) -> str | None:
        """Charges all of them, or none and says which did not fit. A counter may be named twice: each charge counts."""
        counters: dict[str, int] = {}
        for charge in charges:
            key = self._key(charge.key)
            there = None if key in counters else _find(transaction, key, now_s)
            counters[key] = counters.get(key, int(there[0]) if there else 0) + charge.amount
            if counters[key] > charge.most:
                return charge.name
        for charge in charges:
            key = self._key(charge.key)
            transaction.execute(_SET, (key, str(counters[key]).encode(), None, now_s + charge.ttl_s))
        return None


def _find(transaction: sqlite3.Connection, key: str, now_s: float) -> tuple[bytes, str | None] | None:
    row = transaction.execute(_GET, (key, now_s)).fetchone()
    return None if row is None else (bytes(row[0]), row[1])


def _sweep(transaction: sqlite3.Connection, now_s: float) -> None:
    some = "SELECT key FROM entries WHERE expires_s <= ? LIMIT ?"
    transaction.execute(f"DELETE FROM entries WHERE key IN ({some})", (now_s, _SWEEP_ROWS))
    sqlite_fields.sweep(transaction, now_s, _SWEEP_ROWS)
