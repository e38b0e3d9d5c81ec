"""Heard: what silence is settled from, in a local SQLite file: exposures, verdicts and designs, with the log's times.

Promises: a projection of `verdicts` and `samples` that can be deleted at any time; rows and positions are one transaction. Log
time never goes back within a partition here: a record that says so counts as of the one before it. Used by one thread.
"""

import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from services.feedback.read_model.positions import mark_of
from services.feedback.silence.audit import Exposed, Said, Story
from shared.errors import InvalidMessage, RecordGone, Unavailable
from shared.ports import Bounds, Log, Reader
from shared.streams import STREAMS, ids
from shared.streams.predictions import Prediction
from shared.streams.record import Partition, Record
from shared.streams.samples import SAMPLES, Design
from shared.streams.verdicts import VERDICTS, Shown, Verdict
from shared.telemetry import logs

FOLLOWED = (VERDICTS.name, SAMPLES.name)
BATCH = 1_000
_SCHEMA = resources.files(__package__).joinpath("heard.sql").read_text(encoding="utf-8")
_MAKING = zlib.crc32(_SCHEMA.encode()) >> 1


class Waiting(NamedTuple):
    """A held prediction whose deadline is over: where its first held exposure lies."""

    key: str
    until_ms: int
    partition: int
    offset: int


class _Position(NamedTuple):
    """`next`: the offset to read; the record that was read last, and its mark; the latest log time."""

    next: int
    last: int = -1
    mark: str = ""
    time_ms: int = 0


class Heard:
    """Of one collection. Opens file and reader when they are first needed: a log that is down stops no start.

    `excluded`: reviewers (or names of keys) whose word counts for no rate. An objection it is all the same.
    """

    def __init__(self, path: Path, log: Log, collection: str, excluded: Collection[str] = ()) -> None:
        self._excluded = frozenset(excluded)
        self._path = path
        self._log = log
        self._collection = collection
        self._db: sqlite3.Connection | None = None
        self._is_compared = False
        self._reader: Reader | None = None
        self._positions: dict[Partition, _Position] = {}
        self._partitions: frozenset[Partition] = frozenset()

    def catch_up(self, is_stopping: Callable[[], bool]) -> bool:
        """Reads all partitions to the ends that they have now. False: told to stop before. Raises Unavailable."""
        bounds = {(name, part): there for name in FOLLOWED for part, there in self._log.bounds(name).items()}
        self._open(bounds)
        self._partitions = frozenset(bounds)
        for partition, there in bounds.items():
            while self._position(partition, there).next < there.end:
                if is_stopping():
                    return False
                self._take(partition, there)
        return True

    def read_past_ms(self) -> int:
        """All that the log wrote before this was read, whatever a clock says: every partition has something later."""
        known = self._positions
        return min((known[one].time_ms if one in known else 0 for one in self._partitions), default=0)

    def due(self, before_ms: int, most: int) -> list[Waiting]:
        """Held predictions with deadlines before this of which nobody said anything up to the deadline, the oldest first."""
        found = self._rows(
            "SELECT key, until_ms, part, place FROM held WHERE NOT settled AND until_ms < ? AND NOT EXISTS ("
            " SELECT 1 FROM said WHERE said.key = held.key AND (said.kind = 'affirmed' OR said.at_ms <= held.until_ms))"
            " ORDER BY until_ms, key LIMIT ?",
            before_ms,
            most,
        )
        return [Waiting(*row) for row in found]

    def settle(self, keys: Iterable[str]) -> None:
        """These need not be looked at again."""
        with self._changes() as db:
            db.executemany("UPDATE held SET settled = 1 WHERE key = ?", ((key,) for key in keys))

    def settle_before(self, before_ms: int) -> None:
        """Nor any whose deadline was before this: to the rest of them somebody objected."""
        with self._changes() as db:
            db.execute("UPDATE held SET settled = 1 WHERE NOT settled AND until_ms < ?", (before_ms,))

    def shown(self, waiting: Waiting) -> Shown:
        """The exposure itself. Raises Unavailable, RecordGone (the streams were made anew, which the next `catch_up` sees)."""
        self._is_compared = False
        record = self._opened_reader().read(VERDICTS.name, waiting.partition, waiting.offset)
        try:
            message = VERDICTS.decode(record)
        except InvalidMessage as error:
            raise RecordGone(f"{record.where}: expected the exposure that was read there: {error}") from error
        if not isinstance(message, Shown) or self._key_of(message) != waiting.key:
            raise RecordGone(f"{record.where}: expected the exposure that was read there, found another record")
        self._is_compared = True
        return message

    def stories(self) -> Iterator[Story]:
        """Of every prediction that was drawn and shown, and that an audit called wrong."""
        audited = self._rows(
            "SELECT key, at_ms FROM drawn WHERE EXISTS (SELECT 1 FROM exposed WHERE exposed.key = drawn.key) AND key IN ("
            " SELECT key FROM said WHERE exhaustive AND kind IN ('rejected', 'missed', 'corrected'))"
        )
        for key, drawn_ms in audited:
            yield Story(drawn_ms, self._exposed(key), self._said(key))

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._db is not None:
            self._db.close()
        self._reader, self._db = None, None

    def _exposed(self, key: str) -> tuple[Exposed, ...]:
        sql = "SELECT at_ms, until_ms, caller FROM exposed WHERE key = ? ORDER BY at_ms, until_ms, caller"
        return tuple(Exposed(*row) for row in self._rows(sql, key))

    def _said(self, key: str) -> tuple[Said, ...]:
        columns = "at_ms, kind, caller, reviewer, detection_index, exhaustive"
        rows = self._rows(f"SELECT {columns} FROM said WHERE key = ? ORDER BY at_ms, row", key)
        return tuple(one for one in (Said(*row) for row in rows) if not {one.reviewer, one.caller} & self._excluded)

    # Records come in

    def _take(self, partition: Partition, there: Bounds) -> None:
        """One batch, and how far it goes."""
        before = self._position(partition, there)
        records = list(islice(self._opened_reader().scan(*partition, before.next, there.end), BATCH))
        after = _Position(there.end, *before[1:])
        with self._changes() as db:
            for record in records:
                after = _Position(record.offset + 1, record.offset, mark_of(record), max(after.time_ms, record.time_ms))
                self._learn(db, record, after.time_ms)
            if len(records) < BATCH:  # offsets have gaps
                after = after._replace(next=there.end)
            db.execute("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?)", (*partition, *after))
        self._positions[partition] = after

    def _learn(self, db: sqlite3.Connection, record: Record, at_ms: int) -> None:
        try:
            message = STREAMS[record.stream].decode(record)
        except InvalidMessage as error:
            logs.get().warning("silence.passed_over", where=record.where, why=str(error))
            return
        if isinstance(message, Shown):
            self._learn_shown(db, record, message, at_ms)
        elif isinstance(message, Verdict) and message.prediction.role == "live":
            self._learn_verdict(db, message, at_ms)
        elif isinstance(message, Design) and message.collection == self._collection:
            db.execute("INSERT OR IGNORE INTO drawn VALUES (?, ?)", (message.sample_id, at_ms))

    def _learn_shown(self, db: sqlite3.Connection, record: Record, shown: Shown, at_ms: int) -> None:
        """A glimpse says nothing about who could have objected: it could not have been held."""
        if shown.probability <= 0:
            return
        key = self._key_of(shown)
        until_ms = at_ms + shown.objection_s * 1000
        db.execute("INSERT OR IGNORE INTO exposed VALUES (?, ?, ?, ?)", (key, shown.caller, at_ms, until_ms))
        if shown.held:
            row = (key, until_ms, record.partition, record.offset)
            db.execute("INSERT OR IGNORE INTO held VALUES (?, ?, ?, ?, 0)", row)

    def _learn_verdict(self, db: sqlite3.Connection, verdict: Verdict, at_ms: int) -> None:
        key = self._key(verdict.prediction)
        who = (verdict.detection_index, verdict.exhaustive, verdict.caller, verdict.reviewer)
        db.execute(
            "INSERT OR IGNORE INTO said (verdict_id, key, at_ms, kind, detection_index, exhaustive, caller, reviewer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (verdict.verdict_id, key, at_ms, verdict.kind, *who),
        )

    def _key_of(self, shown: Shown) -> str:
        return ids.sample_id(self._collection, shown.frame_id, shown.model_id)

    def _key(self, prediction: Prediction) -> str:
        return ids.sample_id(self._collection, prediction.frame.frame_id, prediction.model_id)

    # The file

    def _position(self, partition: Partition, there: Bounds) -> _Position:
        return self._positions.get(partition) or _Position(there.start)

    def _open(self, bounds: Mapping[Partition, Bounds]) -> None:
        """As it is, where it is of this making and of these streams; else anew."""
        if self._db is None:
            self._is_compared = False
            with self._explained():
                self._db = _connected(self._path)
                rows = self._db.execute("SELECT stream, part, next, last, mark, time_ms FROM positions")
                self._positions = {(stream, part): _Position(*rest) for stream, part, *rest in rows}
        if any(self._is_other(one, at, bounds) for one, at in self._positions.items()):
            logs.get().warning("silence.begun_anew", why="the streams were made anew")
            self._discard()
            self._open(bounds)
        self._is_compared = True  # not before: a log that does not answer now is compared in the next round

    def _is_other(self, partition: Partition, at: _Position, bounds: Mapping[Partition, Bounds]) -> bool:
        """Both streams are kept for ever: what was read lies where it lay."""
        there = bounds.get(partition, Bounds(0, 0))
        if at.next > there.end or at.next < there.start:
            return True
        if self._is_compared or at.last < 0:
            return False
        try:
            return mark_of(self._opened_reader().read(*partition, at.last)) != at.mark
        except RecordGone:
            return True

    def _discard(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db, self._positions = None, {}
        _remove(self._path)

    def _opened_reader(self) -> Reader:
        self._reader = self._reader or self._log.reader()
        return self._reader

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with self._explained():
            return self._opened_db().execute(sql, values).fetchall()

    @contextmanager
    def _changes(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing."""
        with self._explained(), self._opened_db() as db:
            yield db

    def _opened_db(self) -> sqlite3.Connection:
        if self._db is None:
            raise Unavailable("silence", "its file is not open yet")
        return self._db

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise Unavailable("silence", f"{self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            logs.get().warning("silence.begun_anew", why=str(error))
            self._discard()
            raise Unavailable("silence", f"{self._path}: {error}") from error


def _connected(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] == _MAKING:
            return db
    except sqlite3.DatabaseError as error:
        logs.get().warning("silence.begun_anew", why=str(error))
    db.close()
    _remove(path)
    db = sqlite3.connect(path)
    db.executescript(f"PRAGMA journal_mode = WAL; BEGIN; {_SCHEMA}; PRAGMA user_version = {_MAKING}; COMMIT")
    return db


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
