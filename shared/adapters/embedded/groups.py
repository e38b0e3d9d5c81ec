"""Groups: who reads which partition, by leases in SQLite.

Promises: a partition has at most one owner, who takes it only when it is free; a commit by anybody else is Fenced. A member
whose lease has run out, or whose process has ended, is evicted by whichever member joins or renews next. The generation
changes whenever there is news to look at. Leases go by the box's monotonic clock, which no clock correction moves.
"""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.adapters.embedded.alive import is_dead
from shared.adapters.embedded.database import Database
from shared.errors import Fenced

LONGEST_LEASE_S = 600.0
_NOBODY = "the partition was given to another member, or nobody has it"


@dataclass(frozen=True, slots=True)
class View:
    """What a member sees: the group's generation, its own partition ids, and those it should have."""

    generation: int
    owned: frozenset[int]
    share: frozenset[int]


class Membership:
    """One member of one group. Its row is made by `refresh`, not before."""

    def __init__(self, database: Database, group: str, name: str, streams: Sequence[str], lease_s: float) -> None:
        self._database = database
        self._group = group
        self._name = name
        self._streams = json.dumps(sorted(streams))
        self._lease_s = lease_s

    def news(self, generation: int) -> bool:
        """Has anything happened since that generation: somebody came or left, or a lease ran out?"""
        first_to_end = "SELECT min(lease_until_s) FROM members WHERE group_name = groups.name"
        sql = f"SELECT generation, ({first_to_end}) FROM groups WHERE name = ?"
        rows = self._database.rows(sql, (self._group,))
        return not rows or rows[0][0] != generation or rows[0][1] is None or rows[0][1] < time.monotonic()

    def refresh(self) -> View:
        """Joins or renews, evicts who is gone, and looks."""
        with self._database.write(durable=False) as transaction:
            changed = self._renew(transaction) + _evict(transaction, self._group, self._lease_s)
            generation = _bump(transaction, self._group, changed)
            return View(generation, self._owned(transaction), _share(transaction, self._group, self._name))

    def renew(self) -> None:
        """Keeps the lease, if it is still there."""
        sql = "UPDATE members SET lease_until_s = ? WHERE name = ?"
        with self._database.write(durable=False) as transaction:
            transaction.execute(sql, (time.monotonic() + self._lease_s, self._name))

    def claim(self, partitions: frozenset[int]) -> frozenset[int]:
        """Takes those that are free. Returns those of them that are ours now."""
        with self._database.write(durable=False) as transaction:
            take = "INSERT OR IGNORE INTO owners SELECT ?, ?, name FROM members WHERE name = ?"
            transaction.executemany(take, [(self._group, each, self._name) for each in partitions])
            return self._owned(transaction) & partitions

    def release(self, partitions: frozenset[int]) -> None:
        """Frees them for others. Nothing for those that are not ours."""
        with self._database.write(durable=False) as transaction:
            sql = "DELETE FROM owners WHERE group_name = ? AND partition = ? AND member = ?"
            freed = [transaction.execute(sql, (self._group, each, self._name)).rowcount for each in partitions]
            _bump(transaction, self._group, sum(freed))

    def commit(self, offsets: Mapping[int, int]) -> None:
        """All or none; Fenced when one of them is not ours."""
        with self._database.write(durable=True) as transaction:
            sql = "SELECT 1 FROM owners WHERE group_name = ? AND partition = ? AND member = ?"
            for partition in offsets:
                if transaction.execute(sql, (self._group, partition, self._name)).fetchone() is None:
                    raise Fenced(f"commit of group {self._group} refused: {_NOBODY}")
            rows = [(self._group, partition, offset) for partition, offset in offsets.items()]
            transaction.executemany("INSERT OR REPLACE INTO committed VALUES (?, ?, ?)", rows)

    def leave(self) -> None:
        with self._database.write(durable=False) as transaction:
            transaction.execute("DELETE FROM owners WHERE member = ?", (self._name,))
            gone = transaction.execute("DELETE FROM members WHERE name = ?", (self._name,)).rowcount
            _bump(transaction, self._group, gone)

    def _owned(self, transaction: sqlite3.Connection) -> frozenset[int]:
        sql = "SELECT partition FROM owners WHERE group_name = ? AND member = ?"
        return frozenset(row[0] for row in transaction.execute(sql, (self._group, self._name)))

    def _renew(self, transaction: sqlite3.Connection) -> int:
        until_s = time.monotonic() + self._lease_s
        sql = "UPDATE members SET lease_until_s = ? WHERE name = ?"
        if transaction.execute(sql, (until_s, self._name)).rowcount:
            return 0
        sql = "INSERT INTO members (name, group_name, streams, lease_until_s) VALUES (?, ?, ?, ?)"
        return transaction.execute(sql, (self._name, self._group, self._streams, until_s)).rowcount


def committed(database: Database, group: str, partition_id: int) -> int | None:
    sql = "SELECT next FROM committed WHERE group_name = ? AND partition = ?"
    rows = database.rows(sql, (group, partition_id))
    return int(rows[0][0]) if rows else None


def _evict(transaction: sqlite3.Connection, group: str, lease_s: float) -> int:
    now_s = time.monotonic()
    sql = "SELECT name, lease_until_s FROM members WHERE group_name = ?"
    members = transaction.execute(sql, (group,)).fetchall()
    # A lease that ends later than any lease can was given before a reboot, which set the monotonic clock back.
    gone = [
        (n,) for n, until_s in members if not now_s <= until_s <= now_s + max(lease_s, LONGEST_LEASE_S) or is_dead(n)
    ]
    transaction.executemany("DELETE FROM members WHERE name = ?", gone)
    transaction.executemany("DELETE FROM owners WHERE member = ?", gone)
    return len(gone)


def _bump(transaction: sqlite3.Connection, group: str, changes: int) -> int:
    sql = "INSERT INTO groups VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET generation = generation + ? RETURNING generation"
    return int(transaction.execute(sql, (group, min(changes, 1))).fetchone()[0])


def _share(transaction: sqlite3.Connection, group: str, name: str) -> frozenset[int]:
    """Partition n goes to subscriber n modulo their number: streams that share numbers stay together."""
    sql = "SELECT name, streams FROM members WHERE group_name = ? ORDER BY seniority"
    members = [(member, frozenset(json.loads(streams))) for member, streams in transaction.execute(sql, (group,))]
    share: set[int] = set()
    for stream in {stream for _, streams in members for stream in streams}:
        subscribers = [member for member, streams in members if stream in streams]
        for partition_id, number in transaction.execute(
            "SELECT id, number FROM partitions WHERE stream = ?", (stream,)
        ):
            if subscribers[number % len(subscribers)] == name:
                share.add(partition_id)
    return frozenset(share)
