"""Near-duplicates on one box: rings of the last kept, and an index of known images (shared.ports.state: Near, learn).

Promises: finds what the cluster's scripts find, to the bit. The index is four rows per image, one per quarter of its hash: two
hashes within 7 bits have a quarter in common, or one that differs in a single bit (Norouzi, Punjani, Fleet, CVPR 2012).
"""

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence

from shared.adapters.embedded.database import Database
from shared.ports.state import ENTRY_BYTES, HASH_BYTES, Near, hash64

_ENTRY = struct.Struct(">QII")
_QUARTERS = struct.Struct(">HHHH")
_QUARTER_COUNT = 4
_BITS = 16
"""Of a quarter."""
_ANY = "SELECT 1 FROM known WHERE key = ? LIMIT 1"
_COUNT = f"SELECT COUNT(*) FROM known WHERE key = ? AND bucket < {1 << _BITS}"
_LEARN = "INSERT OR IGNORE INTO known VALUES (?, ?, ?)"


def nearest(ring: bytes, near: Near) -> int | None:
    """The distance of the nearest match in a ring, None without one."""
    image, signature, time_s = _ENTRY.unpack(near.entry)
    entries = _ENTRY.iter_unpack(ring)
    fitting = (other for other, s, t in entries if s == signature and abs(t - time_s) <= near.max_age_s)
    return _nearest(image, fitting, near.most_bits)


def grown(ring: bytes, near: Near) -> bytes:
    return (ring + near.entry)[-ENTRY_BYTES * near.size :]


def nearest_known(transaction: sqlite3.Connection, key: str, near: Near) -> int | None:
    """The distance of the nearest match in an index, None without one."""
    if transaction.execute(_ANY, (key,)).fetchone() is None:
        return None
    image = near.entry[:HASH_BYTES]
    buckets = list(_probes(image))
    found = f"SELECT hash FROM known WHERE key = ? AND bucket IN ({', '.join('?' * len(buckets))})"
    hashes = (int.from_bytes(row[0]) for row in transaction.execute(found, (key, *buckets)))
    return _nearest(int.from_bytes(image), hashes, near.most_bits)


def learn(transaction: sqlite3.Connection, key: str, hashes: Sequence[bytes]) -> int:
    """How many were not there before."""
    rows = [(key, bucket, one) for one in map(hash64, hashes) for bucket in _buckets(one)]
    return transaction.executemany(_LEARN, rows).rowcount // _QUARTER_COUNT


def known(database: Database, key: str) -> int:
    return int(database.rows(_COUNT, (key,))[0][0])


def forget(transaction: sqlite3.Connection, key: str) -> None:
    transaction.execute("DELETE FROM known WHERE key = ?", (key,))


def _nearest(image: int, others: Iterable[int], most_bits: int) -> int | None:
    bits = min(((image ^ other).bit_count() for other in others), default=most_bits + 1)
    return bits if bits <= most_bits else None


def _buckets(image: bytes) -> Iterator[int]:
    """Where a hash lies: one bucket per quarter."""
    for number, quarter in enumerate(_QUARTERS.unpack(image)):
        yield number << _BITS | quarter


def _probes(image: bytes) -> Iterator[int]:
    """Where its neighbours lie: each quarter as it is, and with one bit turned."""
    for bucket in _buckets(image):
        yield bucket
        yield from (bucket ^ 1 << bit for bit in range(_BITS))
