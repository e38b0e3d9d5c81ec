"""Tallies, as sums over minutes, hours and days: what a window of any length is added up from.

Promises: of two tallies of a block the one that reaches further counts, as `tallies.newest` has it: what the shorter one had
added is taken away again. Its body is kept while it may still be needed: until its block is full and another has begun.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import product

from services.feedback.read_model.database import Connection
from services.feedback.read_model.names import Names
from services.feedback.read_model.packing import packed, unpacked
from shared.streams.tallies import BLOCK, MINUTE_MS, TALLIES, Count, Tally

HOUR_MS, DAY_MS = 60 * MINUTE_MS, 1440 * MINUTE_MS
ALL_SOURCES = 0
SPANS_MS = (DAY_MS, HOUR_MS, MINUTE_MS)


class Sums:
    """What a batch of tallies adds and takes away, written once at its end."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._frames: Counter[tuple[int, int, int, int]] = Counter()
        self._without: Counter[tuple[int, int, int, int]] = Counter()
        self._boxes: Counter[tuple[int, int, int, int, int]] = Counter()

    def add(self, counts: Iterable[Count], sign: int) -> None:
        for one in counts:
            version = self._names.version(one.model_id, one.model_version)
            sources = (ALL_SOURCES, self._names.number("source", one.source_id))
            classes = [(self._names.number("class", name), n) for name, n in one.detections.items()]
            for span_ms, source in product(SPANS_MS, sources):
                at_ms = one.minute_ms // span_ms * span_ms
                self._frames[span_ms, version, source, at_ms] += sign * one.frames
                self._without[span_ms, version, source, at_ms] += sign * one.frames_without
                for class_number, detections in classes:
                    self._boxes[span_ms, version, source, at_ms, class_number] += sign * detections

    def write(self, db: Connection) -> None:
        frames = [(*key, n, self._without[key]) for key, n in self._frames.items() if n or self._without[key]]
        db.executemany(
            "INSERT INTO counted VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " frames = frames + excluded.frames, frames_without = frames_without + excluded.frames_without",
            frames,
        )
        db.executemany(
            "INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET detections = detections + excluded.detections",
            [(*key, n) for key, n in self._boxes.items() if n],
        )


def take_tally(db: Connection, tally: Tally, sums: Sums) -> None:
    key = (tally.partition, tally.block)
    known = db.execute("SELECT up_to, body FROM blocks WHERE part = ? AND block = ?", key).fetchone()
    if known is not None and known[0] >= tally.up_to:
        return
    if known is not None and known[1] is not None:
        sums.add(Tally.model_validate_json(unpacked(known[1])).counts, -1)
    sums.add(tally.counts, 1)
    body = packed(tally.to_bytes())
    db.execute(
        "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?)", (*key, tally.up_to, tally.repeated, tally.late, body)
    )
    _forget_full(db, tally.partition)


def last_tallies(db: Connection) -> dict[int, Tally]:
    """The last tally of each partition."""
    rows = db.execute(
        "SELECT blocks.part, body FROM positions JOIN blocks ON blocks.part = positions.part AND block ="
        " (SELECT MAX(block) FROM blocks AS any WHERE any.part = positions.part) WHERE stream = ?",
        (TALLIES.name,),
    )
    return {part: Tally.model_validate_json(unpacked(body)) for part, body in rows}


def _forget_full(db: Connection, partition: int) -> None:
    """A full block never changes; the last one is what counting goes on from."""
    db.execute(
        "UPDATE blocks SET body = NULL WHERE part = ?1 AND body IS NOT NULL AND up_to >= (block + 1) * ?2"
        " AND block < (SELECT MAX(block) FROM blocks WHERE part = ?1)",
        (partition, BLOCK),
    )
