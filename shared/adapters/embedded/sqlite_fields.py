"""Keys that have fields: the part of the state store on one box that `add`, `counters`, `fix` and `fields` stand on.

Promises: a row per field, so nothing large is written anew for one count; all fields of a key expire together, and fields of
an earlier life are gone when a key begins anew. Every function is given a transaction, or a query, that is under way.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from shared.adapters.embedded.database import Database

_ADD = """INSERT INTO fields VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + excluded.value"""
_FIX = "INSERT INTO fields VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_READ = """SELECT key, field, value FROM fields JOIN hashes USING (key)
    WHERE expires_s > ? AND key IN ({})"""


def live_on(transaction: sqlite3.Connection, key: str, now_s: float, ttl_s: int) -> None:
    """The key lives `ttl_s` from now; what it held in a life that is over goes first."""
    over = "SELECT key FROM hashes WHERE key = ? AND expires_s <= ?"
    transaction.execute(f"DELETE FROM fields WHERE key IN ({over})", (key, now_s))
    transaction.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?)", (key, now_s + ttl_s))


def add(transaction: sqlite3.Connection, key: str, amounts: Mapping[str, int]) -> None:
    transaction.executemany(_ADD, ((key, field, amount) for field, amount in amounts.items()))


def fix(transaction: sqlite3.Connection, key: str, values: Mapping[str, bytes]) -> dict[str, bytes]:
    """The values that are there now for these fields."""
    transaction.executemany(_FIX, ((key, field, value) for field, value in values.items()))
    one = "SELECT value FROM fields WHERE key = ? AND field = ?"
    return {field: _bytes(transaction.execute(one, (key, field)).fetchone()[0]) for field in values}


def counters(database: Database, keys: Sequence[str], now_s: float) -> list[dict[str, int]]:
    """The counters of several keys, in order, as one snapshot."""
    found = _read(database, keys, now_s)
    return [{field: int(value) for field, value in found[key].items()} for key in keys]


def fields(database: Database, key: str, now_s: float) -> dict[str, bytes]:
    return {field: _bytes(value) for field, value in _read(database, [key], now_s)[key].items()}


def sweep(transaction: sqlite3.Connection, now_s: float, most_keys: int) -> None:
    """Clears away keys that have expired, at most so many."""
    some = "SELECT key FROM hashes WHERE expires_s <= ? LIMIT ?"
    over = transaction.execute(some, (now_s, most_keys)).fetchall()
    transaction.executemany("DELETE FROM fields WHERE key = ?", over)
    transaction.executemany("DELETE FROM hashes WHERE key = ?", over)


def _read(database: Database, keys: Iterable[str], now_s: float) -> dict[str, dict[str, bytes | int]]:
    found: dict[str, dict[str, bytes | int]] = {key: {} for key in keys}
    for key, field, value in database.rows(_READ.format(", ".join("?" * len(found))), (now_s, *found)):
        found[key][field] = value
    return found


def _bytes(value: bytes | int) -> bytes:
    return str(value).encode() if isinstance(value, int) else value
