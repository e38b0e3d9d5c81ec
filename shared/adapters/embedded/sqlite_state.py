"""The state store on one box: a SQLite file that several processes share.

Promises: `shared.ports.state`; `decide` is one transaction. Nothing is fsynced: it outlives a killed process, and a power
loss may take the last moments, as the port allows. What has expired is not seen, and is cleared away now and then.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shared.adapters.embedded import sqlite_fields, sqlite_near
from shared.adapters.embedded.database import Database, Row
from shared.ports.state import Charge, Decided, Near, Undecided, printable

SWEEP_S = 60.0
_SWEEP_ROWS = 10_000
_SET = "INSERT OR REPLACE INTO entries (key, value, expires_s) VALUES (?, ?, ?)"
_GET = "SELECT value FROM entries WHERE key = ? AND expires_s > ?"
_REMEMBER = (
    "INSERT OR REPLACE INTO entries (key, value, refused_by, distance, known, expires_s) VALUES (?, ?, ?, ?, ?, ?)"
)
_MEMO = "SELECT value, refused_by, distance, known FROM entries WHERE key = ? AND expires_s > ?"
_LATER_COLUMNS = ("distance", "known")
"""Those that a file of an earlier version lacks."""


class SqliteState:
    """`file` on a local disk; `now_s` is the store's clock. Safe to share among threads."""

    def __init__(
        self, file: Path, prefix: str = "", timeout_s: float = 5.0, now_s: Callable[[], float] = time.time
    ) -> None:
        schema = Path(__file__).with_name("sqlite_state.sql").read_text(encoding="utf-8")
        self.database = Database(file, schema, "state store", timeout_s)
        _grow(self.database)
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
            transaction.execute(_SET, (self._key(key), value, now_s + ttl_s))

    def put_if_absent(self, key: str, value: bytes, ttl_s: int) -> bytes:
        with self._step() as (transaction, now_s):
            there = _value(transaction, self._key(key), now_s)
            if there is None:
                transaction.execute(_SET, (self._key(key), value, now_s + ttl_s))
            return value if there is None else there

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
            there = _memo(transaction.execute(_MEMO, (self._key(memo_key), now_s)).fetchall())
            amended = replace(there or Decided(decision, None, fresh=False), decision=decision)
            _remember(transaction, self._key(memo_key), amended, now_s + ttl_s)

    def memo(self, memo_key: str) -> Decided | None:
        return _memo(self.database.rows(_MEMO, (self._key(memo_key), self._now_s())))

    def learn(self, key: str, hashes: Sequence[bytes]) -> int:
        if not hashes:
            return 0
        with self._step() as (transaction, _):
            return sqlite_near.learn(transaction, self._key(key), hashes)

    def known(self, key: str) -> int:
        return sqlite_near.known(self.database, self._key(key))

    def forget(self, key: str) -> None:
        with self._step() as (transaction, _):
            sqlite_near.forget(transaction, self._key(key))

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
        there = _memo(transaction.execute(_MEMO, (memo_key, now_s)).fetchall())
        if there is not None:
            return there
        near = undecided.near
        distance, known = (None, False) if near is None else self._match(transaction, near, now_s)
        decision, charges = undecided.in_case(match=distance is not None)
        decided = Decided(decision, self._charge(transaction, charges, now_s), True, distance, known)
        if near is not None and near.add and distance is None and decided.refused_by is None:
            self._join(transaction, near, now_s)
        _remember(transaction, memo_key, decided, now_s + undecided.ttl_s)
        return decided

    def _match(self, transaction: sqlite3.Connection, near: Near, now_s: float) -> tuple[int | None, bool]:
        """The distance of the nearest match, and whether it was in the index of known images."""
        distance = sqlite_near.nearest(_value(transaction, self._key(near.key), now_s) or b"", near)
        if distance is not None or near.known is None:
            return distance, False
        distance = sqlite_near.nearest_known(transaction, self._key(near.known), near)
        return distance, distance is not None

    def _join(self, transaction: sqlite3.Connection, near: Near, now_s: float) -> None:
        key = self._key(near.key)
        ring = sqlite_near.grown(_value(transaction, key, now_s) or b"", near)
        transaction.execute(_SET, (key, ring, now_s + near.ttl_s))

    def _charge(self, transaction: sqlite3.Connection, charges: Sequence[Charge], now_s: float) -> str | None:
        """Charges all of them, or none and says which did not fit. A counter may be named twice: each charge counts."""
        counters: dict[str, int] = {}
        for charge in charges:
            key = self._key(charge.key)
            if key not in counters:
                counters[key] = int(_value(transaction, key, now_s) or 0)
            counters[key] += charge.amount
            if counters[key] > charge.most:
                return charge.name
        for charge in charges:
            key = self._key(charge.key)
            transaction.execute(_SET, (key, str(counters[key]).encode(), now_s + charge.ttl_s))
        return None


def _value(transaction: sqlite3.Connection, key: str, now_s: float) -> bytes | None:
    row = transaction.execute(_GET, (key, now_s)).fetchone()
    return None if row is None else bytes(row[0])


def _memo(rows: Sequence[Row]) -> Decided | None:
    if not rows:
        return None
    decision, refused_by, distance, known = rows[0]
    return Decided(bytes(decision), refused_by, False, distance, bool(known))


def _remember(transaction: sqlite3.Connection, key: str, decided: Decided, expires_s: float) -> None:
    memo = (decided.decision, decided.refused_by, decided.distance, decided.known or None)
    transaction.execute(_REMEMBER, (key, *memo, expires_s))


def _grow(database: Database) -> None:
    """A file of an earlier version gets the columns that it lacks."""
    there = {row[1] for row in database.rows("PRAGMA table_info(entries)")}
    if there.issuperset(_LATER_COLUMNS):
        return
    with database.write(durable=False) as transaction:
        there = {row[1] for row in transaction.execute("PRAGMA table_info(entries)")}
        for name in set(_LATER_COLUMNS) - there:
            transaction.execute(f"ALTER TABLE entries ADD COLUMN {name} INTEGER")


def _sweep(transaction: sqlite3.Connection, now_s: float) -> None:
    some = "SELECT key FROM entries WHERE expires_s <= ? LIMIT ?"
    transaction.execute(f"DELETE FROM entries WHERE key IN ({some})", (now_s, _SWEEP_ROWS))
    sqlite_fields.sweep(transaction, now_s, _SWEEP_ROWS)
