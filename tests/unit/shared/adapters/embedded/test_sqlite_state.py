"""What the embedded state store promises beyond the port."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.embedded.sqlite_state import SWEEP_S, SqliteState
from shared.errors import Unavailable
from shared.ports import Charge, Decided, Near, Undecided


def keys(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as database:
        return {key for (key,) in database.execute("SELECT key FROM entries")}


def test_expired_entries_are_not_seen_and_later_cleared_away(tmp_path: Path) -> None:
    now = [1_000.0]
    file = tmp_path / "state.db"
    with closing(SqliteState(file, now_s=lambda: now[0])) as state:
        state.put("short", b"v", 10)
        state.put("long", b"v", 10_000)
        now[0] += 10
        assert list(state.get_many(["short", "long"])) == [None, b"v"]
        assert keys(file) == {"short", "long"}
        now[0] += SWEEP_S
        state.put("other", b"v", 10)
        assert keys(file) == {"long", "other"}


def test_a_counter_that_expired_begins_anew(tmp_path: Path) -> None:
    now = [0.0]
    with closing(SqliteState(tmp_path / "state.db", now_s=lambda: now[0])) as state:
        minute = (Charge("minute", "lim:{c}:minute", 1, 1, 60),)
        assert state.decide([Undecided("a", b"a", 600, minute)]) == [Decided(b"a", None, fresh=True)]
        now[0] = 61
        assert state.decide([Undecided("b", b"b", 600, minute)]) == [Decided(b"b", None, fresh=True)]


def test_a_charge_that_names_a_counter_twice_counts_twice(tmp_path: Path) -> None:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        twice = (Charge("one", "lim:{c}:k", 2, 3, 60), Charge("two", "lim:{c}:k", 2, 3, 60))
        assert state.decide([Undecided("a", b"a", 600, twice)])[0].refused_by == "two"
        assert state.get("lim:{c}:k") is None


def test_what_was_decided_outlives_a_killed_process(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    deciding = "import os, sys; from pathlib import *; from shared.adapters.embedded.sqlite_state import *\n"
    deciding += "state = SqliteState(Path(sys.argv[1]))\n"
    deciding += "state.decide([Undecided('a', b'a', 600, (Charge('day', 'lim', 1, 0, 600),))])\nos._exit(9)"
    assert subprocess.run([sys.executable, "-c", deciding, str(file)], check=False).returncode == 9
    with closing(SqliteState(file)) as state:
        assert state.memo("a") == Decided(b"a", "day", fresh=False)


def test_a_lock_that_is_held_too_long_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(SqliteState(file)) as holder, closing(SqliteState(file, timeout_s=0.05)) as state:
        holder.put("k", b"v", 60)
        with holder.database.write(durable=False):
            with pytest.raises(Unavailable, match="state store"):
                state.put("k", b"other", 60)
            assert state.get("k") == b"v", "reading needs no lock"


def test_what_was_closed_is_unavailable(tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "state.db")
    state.close()
    state.close()
    with pytest.raises(Unavailable):
        state.ping()


def test_fields_that_expired_are_later_cleared_away(tmp_path: Path) -> None:
    now = [1_000.0]
    file = tmp_path / "state.db"
    with closing(SqliteState(file, now_s=lambda: now[0])) as state:
        state.add({"short": {"n": 1}, "long": {"n": 1}}, 10)
        state.add({"long": {"n": 1}}, 10_000)
        now[0] += 10
        assert list(state.counters(["short", "long"])) == [{}, {"n": 2}]
        now[0] += SWEEP_S
        state.fix("other", {"a": b"1"}, 10)
    with closing(sqlite3.connect(file)) as database:
        assert set(database.execute("SELECT key FROM fields")) == {("long",), ("other",)}
        assert set(database.execute("SELECT key FROM hashes")) == {("long",), ("other",)}


BEFORE_NEAR_DUPLICATES = """
CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, refused_by TEXT, expires_s REAL NOT NULL) WITHOUT ROWID;
INSERT INTO entries VALUES ('kept', x'61', NULL, 1e12), ('refused', x'62', 'day', 1e12);
"""


def test_a_file_of_an_earlier_version_keeps_its_memos_and_learns_of_near_duplicates(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(sqlite3.connect(file)) as database:
        database.executescript(BEFORE_NEAR_DUPLICATES)
    near = Near("ring:{c}", bytes(16), 8, 64, 3600, 60, add=True)
    with closing(SqliteState(file)) as state, closing(SqliteState(file)) as second:
        assert state.memo("kept") == Decided(b"a", None, fresh=False)
        assert state.memo("refused") == Decided(b"b", "day", fresh=False)
        assert state.decide([Undecided("new", b"c", 60, near=near)])[0].distance is None
        assert second.decide([Undecided("twin", b"d", 60, near=near)])[0].distance == 0
        assert second.memo("twin") == Decided(b"d", None, fresh=False, distance=0)
