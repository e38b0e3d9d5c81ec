"""A SQLite file in WAL mode that several processes and threads share: one connection reads, one writes.

Promises: every write transaction, checkpoint, open and close happens under a `flock`, so SQLite's WAL-reset bug (3.7.0 to
3.51.2, two connections that write or checkpoint at once) cannot strike, and no warning about the version is needed.
Whatever goes wrong is Unavailable, in bounded time.
"""

import errno
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.adapters.embedded.lock import FileLock
from shared.errors import Unavailable

Row = tuple[Any, ...]
_PRIMARY_CODE = 0xFF
"""Of SQLite's extended error codes, the part that names the kind."""
_NOT_OURS = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_LET_US = "let the user that runs Gleaner own the data folder"


class Database:
    """`dependency` names it in errors (`log`, `state store`); `schema` is run at each open and must bear that."""

    def __init__(self, file: Path, schema: str, dependency: str, timeout_s: float = 10.0) -> None:
        self._dependency = dependency
        self._timeout_s = timeout_s
        self._read_lock = threading.Lock()
        self._closed = False
        with said_as_unavailable(dependency):
            file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(file.with_suffix(".lock"))
            with self._lock.held(timeout_s):
                self.writer = _connect(file, timeout_s)
                self.writer.executescript(schema)
                self._reader = _connect(file, timeout_s)

    def rows(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        """All rows of a query, as one snapshot."""
        with said_as_unavailable(self._dependency), self._read_lock:
            return self._reader.execute(sql, args).fetchall()

    def version(self) -> int:
        """A number that changes when anybody has committed. Takes microseconds: meant for polling."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def damage(self, within_s: float = 5.0) -> str | None:
        """What SQLite's quick check finds first; None when that is nothing, within so long: a large file is not read whole."""
        until_s = time.monotonic() + within_s
        with said_as_unavailable(self._dependency), self._read_lock:
            self._reader.set_progress_handler(lambda: int(time.monotonic() > until_s), 10_000)  # steps between looks
            try:
                found = str(self._reader.execute("PRAGMA quick_check(1)").fetchone()[0])
            except sqlite3.DatabaseError as error:
                found = "ok" if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT else str(error)
            finally:
                self._reader.set_progress_handler(None, 0)
        return None if found == "ok" else " ".join(found.split())

    @contextmanager
    def write(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """One write transaction. `durable`: fsynced when it returns, with everything that was committed before."""
        with said_as_unavailable(self._dependency), self._lock.held(self._timeout_s):
            self.writer.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield self.writer
                self.writer.execute("COMMIT")
            finally:
                if self.writer.in_transaction:
                    self.writer.execute("ROLLBACK")

    def close(self) -> None:
        """Once; again is nothing. The last connection's close is a checkpoint, hence the lock."""
        if self._closed:
            return
        self._closed = True
        with said_as_unavailable(self._dependency), self._read_lock:
            with self._lock.held(self._timeout_s):
                self._reader.close()
                self.writer.close()
            self._lock.close()


@contextmanager
def said_as_unavailable(dependency: str) -> Iterator[None]:
    """Turns what files and SQLite raise into Unavailable."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(dependency, _why(error)) from error


def _why(error: sqlite3.Error | OSError) -> str:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return f"no space left on the device ({error}): free some space, it goes on by itself"
    if isinstance(error, PermissionError):
        return f"no permission ({error.filename}): {_LET_US}"
    if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _NOT_OURS:
        return f"no permission to write its files ({error}): {_LET_US}"
    return f"{type(error).__name__}: {error}"


def _connect(file: Path, timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=timeout_s, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection
