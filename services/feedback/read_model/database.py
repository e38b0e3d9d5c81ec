"""The file: SQLite in WAL mode, one connection that writes and a few that read; the one place that imports sqlite3.

Promises: a file that is missing, damaged or of another making is deleted and made anew; two processes never share one. What
goes wrong with it is Unavailable. Readers cannot write or checkpoint, so SQLite's WAL-reset bug (to 3.51.2) cannot strike.
"""

import fcntl
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from queue import Empty, LifoQueue

from shared.errors import Unavailable
from shared.telemetry import logs

Connection = sqlite3.Connection
DEPENDENCY = "read model"
_SCHEMA = resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
_READERS = 8
"""Connections that are kept for the next reader."""


class Database:
    """`making`: what the rows depend on beside the streams; a file that was made with another is made anew."""

    def __init__(self, path: Path, making: str) -> None:
        self._path = path
        self._version = _number(_SCHEMA, making)
        self._idle: LifoQueue[tuple[int, Connection]] = LifoQueue()
        self._guard = threading.Lock()
        self._generation = 0
        self._lock: int | None = None
        self._writer: Connection | None = None
        self._damaged = False
        self._lies_at: list[tuple[int, int] | None] = []

    @property
    def is_open(self) -> bool:
        return self._writer is not None

    def open(self) -> bool:
        """True when the file had to be made. Raises Unavailable: no disk, no permission, or another process has it."""
        with self._said():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self._path.with_suffix(".lock")) if self._lock is None else self._lock
            self._writer = self._known()
            if self._writer is not None:
                self._lies_at = _places(self._path)
                return False
        self.renew()
        return True

    def renew(self) -> None:
        """An empty file in the place of the old one. Readers that still have the old one turn to it with their next query."""
        with self._said(), self._guard:
            if self._writer is not None:
                self._writer.close()
                self._writer = None  # should the next lines fail, it is opened again
            for one in _files(self._path):
                one.unlink(missing_ok=True)
            writer = _connect(self._path)
            with _transaction(writer):
                for statement in _statements(_SCHEMA):
                    writer.execute(statement)
                writer.execute(f"PRAGMA user_version = {self._version}")
            self._writer = writer
            self._generation += 1
            self._damaged = False
            self._lies_at = _places(self._path)

    @property
    def is_damaged(self) -> bool:
        """Somebody met bytes that are no database."""
        return self._damaged

    @property
    def is_gone(self) -> bool:
        """Somebody deleted it, or put another in its place: what is open has no name any more, and no new reader finds it."""
        return self._writer is not None and self._lies_at != _places(self._path)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it or nothing. Of the one thread that writes."""
        if self._writer is None:
            raise Unavailable(DEPENDENCY, "it is not open")
        with self._said(), _transaction(self._writer):
            yield self._writer

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot, from any thread."""
        generation, connection = self._reader()
        with self._said():
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                self._put_back(generation, connection)

    def close(self) -> None:
        """Readers first: the last connection's close is a checkpoint."""
        with self._said(), self._guard:
            self._generation += 1
            self._close_idle()
            if self._writer is not None:
                self._writer.close()
            self._writer = None
            if self._lock is not None:
                os.close(self._lock)
            self._lock = None

    def _reader(self) -> tuple[int, Connection]:
        with self._said(), self._guard:
            while True:
                try:
                    generation, connection = self._idle.get_nowait()
                except Empty:
                    break
                if generation == self._generation:
                    return generation, connection
                connection.close()
            if self._writer is None:
                raise Unavailable(DEPENDENCY, "it is not open")
            return self._generation, _connect(self._path, reads_only=True)

    def _put_back(self, generation: int, connection: Connection) -> None:
        with self._guard:
            if generation == self._generation and self._idle.qsize() < _READERS:
                self._idle.put((generation, connection))
            else:
                connection.close()

    def _close_idle(self) -> None:
        with suppress(Empty):
            while True:
                self._idle.get_nowait()[1].close()

    def _known(self) -> Connection | None:
        """The file as it is, if it is one of ours."""
        if not self._path.exists():
            return None
        connection = None
        try:
            connection = _connect(self._path)
            if connection.execute("PRAGMA user_version").fetchone()[0] == self._version:
                connection.execute("SELECT COUNT(*) FROM positions").fetchone()
                return connection
            why = "it was made otherwise"
        except sqlite3.DatabaseError as error:
            why = str(error)
        if connection is not None:
            connection.close()
        logs.get().info("read_model.discarded", file=str(self._path), why=why)
        return None

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
                raise  # wrong SQL, a mistake of ours
            raise Unavailable(DEPENDENCY, f"{self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise  # likewise, no damage
            self._damaged = True
            raise Unavailable(DEPENDENCY, f"{self._path}: {error}") from error


def _files(path: Path) -> list[Path]:
    return [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm")]


def _places(path: Path) -> list[tuple[int, int] | None]:
    """Which files these are, whatever their names."""
    found: list[tuple[int, int] | None] = []
    for one in _files(path):
        try:
            status = one.stat()
            found.append((status.st_dev, status.st_ino))
        except FileNotFoundError:
            found.append(None)
    return found


def _connect(path: Path, *, reads_only: bool = False) -> Connection:
    uri = f"{path.absolute().as_uri()}?mode={'ro' if reads_only else 'rwc'}"
    connection = sqlite3.connect(uri, uri=True, timeout=5.0, isolation_level=None, check_same_thread=False)
    if not reads_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def is_foreign(path: Path) -> bool:
    """Whether something lies there that no read model made: it would be deleted."""
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'verdict_bodies'").fetchone() is None
    except sqlite3.DatabaseError:
        return True


def _locked(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Unavailable(DEPENDENCY, f"{path}: another process has this file; expected one of its own") from error
    return lock


def _statements(schema: str) -> Iterator[str]:
    """`executescript` would commit in between."""
    statement = ""
    for line in schema.splitlines():
        statement += line.partition("--")[0] + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _number(*parts: str) -> int:
    """31 bits, as `user_version` holds them; never 0, which a new file has."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=4).digest()
    return (int.from_bytes(digest) >> 1) | 1
