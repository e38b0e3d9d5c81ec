"""The outbox: what still has to be sent, `samples` minus `uploads`, in a local SQLite file.

Promises: a projection, built anew from the two streams whenever a partition is taken over: the file only keeps memory flat
and is emptied when it is opened. So a note of an attempt need not outlive the process: whoever takes a partition over
treats all that lies in it without a receipt as uncertain. Used by one thread; Unavailable when the disk is full.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from services.uploader.schedule import priority
from shared.errors import Unavailable
from shared.streams.record import Record
from shared.streams.samples import Design, Neighbour, Revision, Sample
from shared.streams.uploads import Receipt

_SAMPLE: TypeAdapter[Sample] = TypeAdapter(Sample)
_SCHEMA = """
CREATE TABLE samples (                -- unfinished: a delivery is open, or the image still has to leave the buffer
    sample_id TEXT, revision TEXT, part INTEGER, place INTEGER, body BLOB,
    PRIMARY KEY (sample_id, revision)) WITHOUT ROWID;
CREATE INDEX samples_place ON samples (part, place);
CREATE TABLE pairs (                  -- open deliveries
    sample_id TEXT, destination TEXT, revision TEXT, part INTEGER, priority INTEGER, time_ms INTEGER,
    uncertain INTEGER, attempts INTEGER DEFAULT 0, next_at_ms INTEGER DEFAULT 0,
    PRIMARY KEY (sample_id, destination, revision)) WITHOUT ROWID;
CREATE INDEX pairs_order ON pairs (destination, priority, time_ms);
CREATE INDEX pairs_next ON pairs (destination, next_at_ms);
CREATE INDEX pairs_part ON pairs (part);
CREATE TABLE receipts (
    sample_id TEXT, destination TEXT, revision TEXT, part INTEGER, outcome TEXT, host_id TEXT,
    PRIMARY KEY (sample_id, destination, revision)) WITHOUT ROWID;
CREATE INDEX receipts_part ON receipts (part);
CREATE TABLE revisions (              -- finished ones too: an annotation is made of all of them
    sample_id TEXT, revision TEXT, part INTEGER, place INTEGER, body BLOB,
    PRIMARY KEY (sample_id, revision)) WITHOUT ROWID;
CREATE INDEX revisions_part ON revisions (part);
CREATE TABLE sizes (                  -- of images that were stored in another size than they were predicted in
    sample_id TEXT PRIMARY KEY, part INTEGER, width_px INTEGER, height_px INTEGER) WITHOUT ROWID;
CREATE INDEX sizes_part ON sizes (part);
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A delivery that is open: which sample (or revision of it), to which destination.

    `uncertain`: an attempt whose end is unknown may have left the image with the host.
    """

    sample_id: str
    destination: str
    revision: str
    partition: int
    uncertain: bool
    attempts: int

    @property
    def key(self) -> tuple[str, str, str]:
        return self.sample_id, self.destination, self.revision

    @property
    def image(self) -> tuple[str, str]:
        """What may be under way only once: one image to one host."""
        return self.sample_id, self.destination


class Outbox:
    def __init__(self, path: Path) -> None:
        try:
            self._db = _opened(path)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable("outbox", f"{path}: {error}") from error
        self._changed: set[str] = set()

    # Taking partitions over

    def take_over(self, partition: int, receipts: Iterable[Receipt]) -> None:
        """Begins a partition anew: nothing but its receipts."""
        with self._changes():
            self._forget(partition)
            self._db.executemany(
                "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?)",
                ((r.sample_id, r.destination, r.revision, partition, r.outcome, r.host_id) for r in receipts),
            )

    def forget(self, partition: int) -> None:
        with self._changes():
            self._forget(partition)

    def _forget(self, partition: int) -> None:
        for table in ("samples", "pairs", "receipts", "revisions", "sizes"):
            self._db.execute(f"DELETE FROM {table} WHERE part = ?", (partition,))

    # Samples come in

    def add(self, samples: Iterable[tuple[Record, Sample, bool]]) -> None:
        """Takes (record, sample, uncertain) in. What has a receipt is done; of several with one id the first counts, but a
        design before a neighbour."""
        with self._changes():
            for record, sample, uncertain in samples:
                self._learn(record, sample)
                if self._add_sample(record, sample):
                    self._add_pairs(record, sample, uncertain)
                    self._changed.add(sample.sample_id)

    def recall(self, samples: Iterable[tuple[Record, Sample]]) -> None:
        """Earlier samples, read back: only what they say about annotations."""
        with self._changes():
            for record, sample in samples:
                self._learn(record, sample)

    def _add_sample(self, record: Record, sample: Sample) -> bool:
        row = (sample.sample_id, sample.revision, record.partition, record.offset, sample.to_bytes())
        is_new = self._db.execute("INSERT OR IGNORE INTO samples VALUES (?, ?, ?, ?, ?)", row).rowcount > 0
        return is_new or (isinstance(sample, Design) and self._outranks(sample))

    def _outranks(self, design: Design) -> bool:
        """A frame that was drawn after it had been kept as a neighbour: the design takes the place of what waits."""
        waiting = [one for one in self._samples(design.sample_id) if isinstance(one, Neighbour)]
        if waiting:
            key = (design.sample_id, design.revision)
            self._db.execute(
                "UPDATE samples SET body = ? WHERE sample_id = ? AND revision = ?", (design.to_bytes(), *key)
            )
            self._db.execute(
                "UPDATE pairs SET priority = ? WHERE sample_id = ? AND revision = ?", (priority(design), *key)
            )
        return bool(waiting)

    def _learn(self, record: Record, sample: Sample) -> None:
        """What annotations are made of: verdicts, and the size of the image where it is not the prediction's."""
        at = sample.image
        if at is not None and at.width_px is not None and at.height_px is not None:
            size = (sample.sample_id, record.partition, at.width_px, at.height_px)
            self._db.execute("INSERT OR IGNORE INTO sizes VALUES (?, ?, ?, ?)", size)
        if isinstance(sample, Revision):
            row = (sample.sample_id, sample.revision, record.partition, record.offset, sample.to_bytes())
            self._db.execute("INSERT OR IGNORE INTO revisions VALUES (?, ?, ?, ?, ?)", row)

    def _add_pairs(self, record: Record, sample: Sample, uncertain: bool) -> None:
        for destination in sample.destinations:
            key = (sample.sample_id, destination, sample.revision)
            if self._has_receipt(key) or not self._deliverable(sample, destination):
                continue
            self._db.execute(
                "INSERT OR IGNORE INTO pairs (sample_id, destination, revision, part, priority, time_ms, uncertain)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, record.partition, priority(sample), record.time_ms, uncertain),
            )

    def _deliverable(self, sample: Sample, destination: str) -> bool:
        """An image to send; or a verdict about an image that is, or is about to be, with the host."""
        if sample.image is not None:
            return True
        return isinstance(sample, Revision) and (
            self.host_id(sample.sample_id, destination) is not None
            or self._one("SELECT 1 FROM pairs WHERE sample_id = ? AND destination = ?", sample.sample_id, destination)
            is not None
        )

    def _has_receipt(self, key: tuple[str, str, str]) -> bool:
        found = self._one("SELECT 1 FROM receipts WHERE sample_id = ? AND destination = ? AND revision = ?", *key)
        return found is not None

    # Deliveries go out

    def due(self, destination: str, now_ms: int, most: int, busy: Collection[tuple[str, str]] = ()) -> list[Pair]:
        """The most valuable open pairs whose time has come, one per image, none of the busy images."""
        rows = self._db.execute(
            f"SELECT {_PAIR} FROM pairs WHERE destination = ? AND next_at_ms <= ?"
            " ORDER BY priority, time_ms, sample_id LIMIT ?",
            (destination, now_ms, most + 2 * len(busy) + most),
        )
        chosen: dict[tuple[str, str], Pair] = {}
        for pair in map(_pair, rows):
            if pair.image not in busy:
                chosen.setdefault(pair.image, pair)
        return list(chosen.values())[:most]

    def destinations(self) -> list[str]:
        """Every destination to which a delivery is open."""
        names: list[str] = []
        while found := self._one(
            "SELECT MIN(destination) FROM pairs WHERE destination > ?", names[-1] if names else ""
        ):
            names.append(str(found))
        return names

    def note(self, pairs: Iterable[Pair]) -> None:
        """These are about to be attempted: from now on uncertain, until there is an end."""
        with self._changes():
            self._db.executemany(f"UPDATE pairs SET attempts = attempts + 1 {_THIS}", (pair.key for pair in pairs))

    def postpone(self, pair: Pair, until_ms: int) -> None:
        with self._changes():
            self._db.execute(f"UPDATE pairs SET next_at_ms = ? {_THIS}", (until_ms, *pair.key))

    def drop(self, pair: Pair) -> None:
        """It turned out to be no delivery: a verdict about an image that never was with the host."""
        with self._changes():
            self._db.execute(f"DELETE FROM pairs {_THIS}", pair.key)
        self._changed.add(pair.sample_id)

    def settle(self, receipts: Iterable[tuple[int, Receipt]]) -> None:
        """These (partition, receipt) are durable in `uploads`: done."""
        with self._changes():
            for partition, r in receipts:
                row = (r.sample_id, r.destination, r.revision, partition, r.outcome, r.host_id)
                self._db.execute("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?)", row)
                self._db.execute(f"DELETE FROM pairs {_THIS}", row[:3])
                self._changed.add(r.sample_id)

    # Samples are finished

    def finished(self) -> list[Sample]:
        """Samples of which no delivery is open any more; looks only at those about which something changed."""
        ended = {sample_id: self._samples(sample_id) for sample_id in self._changed if not self._is_open(sample_id)}
        self._changed = {sample_id for sample_id, samples in ended.items() if samples}
        return [sample for sample_id in sorted(ended) for sample in ended[sample_id]]

    def remove(self, sample_id: str) -> None:
        """Finished and cleared away: the offset may be committed."""
        with self._changes():
            self._db.execute("DELETE FROM samples WHERE sample_id = ?", (sample_id,))
        self._changed.discard(sample_id)

    def _is_open(self, sample_id: str) -> bool:
        return self._one("SELECT 1 FROM pairs WHERE sample_id = ?", sample_id) is not None

    def _samples(self, sample_id: str) -> list[Sample]:
        rows = self._db.execute("SELECT body FROM samples WHERE sample_id = ?", (sample_id,))
        return [_SAMPLE.validate_json(body) for (body,) in rows]

    def oldest(self, partition: int) -> int | None:
        """Offset of the oldest unfinished sample."""
        found = self._one("SELECT MIN(place) FROM samples WHERE part = ?", partition)
        return None if found is None else int(found)

    # Looking up

    def sample(self, pair: Pair) -> Sample:
        """The pair's sample: its design where that is known, since it knows the reasons; with whichever image there is."""
        rows = self._db.execute(
            "SELECT body FROM samples WHERE sample_id = ? AND revision IN ('', ?) ORDER BY revision",
            (pair.sample_id, pair.revision),
        )
        known = [_SAMPLE.validate_json(body) for (body,) in rows]
        if not known:
            raise LookupError(f"the outbox has a delivery {pair.key} without its sample")
        image = known[0].image or known[-1].image
        return known[0].model_copy(update={"image": image})

    def revisions(self, sample_id: str) -> list[Revision]:
        """All that are known, in the order of the log."""
        rows = self._db.execute("SELECT body FROM revisions WHERE sample_id = ? ORDER BY place", (sample_id,))
        return [Revision.model_validate_json(body) for (body,) in rows]

    def size_px(self, sample_id: str) -> tuple[int, int] | None:
        """Width and height of the stored image; None where they are the prediction's, as far as is known."""
        found = self._db.execute("SELECT width_px, height_px FROM sizes WHERE sample_id = ?", (sample_id,)).fetchone()
        return None if found is None else (int(found[0]), int(found[1]))

    def lacks_revisions(self, sample_id: str) -> bool:
        """A receipt speaks of a revision that was finished before this replica took the partition over."""
        found = self._one(
            "SELECT 1 FROM receipts WHERE sample_id = ? AND revision <> '' AND NOT EXISTS (SELECT 1 FROM revisions"
            " WHERE revisions.sample_id = receipts.sample_id AND revisions.revision = receipts.revision)",
            sample_id,
        )
        return found is not None

    def host_id(self, sample_id: str, destination: str) -> str | None:
        """The host's id of an image that is there."""
        found = self._one(
            "SELECT host_id FROM receipts WHERE sample_id = ? AND destination = ? AND host_id IS NOT NULL"
            " AND outcome IN ('accepted', 'already_there', 'updated', 'uncertain')",
            sample_id,
            destination,
        )
        return None if found is None else str(found)

    def outcomes(self, sample_id: str) -> set[str]:
        rows = self._db.execute("SELECT DISTINCT outcome FROM receipts WHERE sample_id = ?", (sample_id,))
        return {str(outcome) for (outcome,) in rows}

    def next_at_ms(self, destination: str) -> int | None:
        """When the next open pair is due; None when none is open."""
        found = self._one("SELECT MIN(next_at_ms) FROM pairs WHERE destination = ?", destination)
        return None if found is None else int(found)

    def open_pairs(self) -> int:
        return int(self._one("SELECT COUNT(*) FROM pairs"))

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """All of it or nothing."""
        try:
            with self._db:
                yield
        except sqlite3.OperationalError as error:
            raise Unavailable("outbox", error) from error

    def _one(self, sql: str, *values: object) -> Any:
        """The first column of the first row; None when there is no row."""
        found = self._db.execute(sql, values).fetchone()
        return None if found is None else found[0]


# An attempt for one pair may have left the image with the host, and so concerns every pair of that image.
_PAIR = (
    "sample_id, destination, revision, part, attempts, EXISTS (SELECT 1 FROM pairs AS any WHERE"
    " any.sample_id = pairs.sample_id AND any.destination = pairs.destination AND (any.uncertain OR any.attempts > 0))"
)
_THIS = "WHERE sample_id = ? AND destination = ? AND revision = ?"


def _pair(row: tuple[str, str, str, int, int, int]) -> Pair:
    sample_id, destination, revision, partition, attempts, uncertain = row
    return Pair(sample_id, destination, revision, partition, bool(uncertain), attempts)


def _opened(path: Path) -> sqlite3.Connection:
    """An empty file. Another process that still has the old one open keeps it to itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path, check_same_thread=False)
    db.execute("PRAGMA journal_mode = MEMORY")
    db.execute("PRAGMA synchronous = OFF")
    db.executescript(_SCHEMA)
    return db
