"""Follower: one thread that keeps the file up to date with the streams.

Promises: rows and positions are one transaction, so a kill at any moment repeats or skips nothing; records that make no sense
are passed over and counted; while log or disk are down it waits, longer each time; it ends within a second.
"""

import threading
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import islice

from services.feedback.read_model.database import DEPENDENCY, Database
from services.feedback.read_model.positions import Position, another, keep, mark_of, out_of_bounds, positions
from services.feedback.read_model.progress import Progress
from services.feedback.read_model.taking import FOLLOWED, Taking
from shared.errors import InvalidMessage, Unavailable
from shared.ports import Bounds, Clock, Log, Reader
from shared.runtime.retry import Backoff
from shared.streams import STREAMS
from shared.streams.record import Partition, Record
from shared.telemetry import logs

BATCH = 500
"""Records per transaction: a tenth of a second or two, after which a stop is looked for."""
_TOLD_EVERY_S = 5.0

_Bounds = Mapping[Partition, Bounds]


class Follower:
    def __init__(
        self, database: Database, log: Log, clock: Clock, salt: bytes, excluded: Collection[str], interval_s: float
    ) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._salt = salt
        self._excluded = frozenset(excluded)
        self._interval_s = interval_s
        self._thread = threading.Thread(target=self._run, name="read-model", daemon=True)
        self._closing = False
        self._changed = threading.Condition()
        self._wanted = False
        self._positions: dict[Partition, Position] = {}
        self._progress = Progress(0, 0, rebuilding=True)
        self._is_checked = False
        self._has_started = False
        self._has_begun = False
        self._told_s = 0.0

    def open(self) -> None:
        """Before `start`, for whoever has no time to wait for the file. Raises Unavailable."""
        self._database.open()
        with self._database.read() as db:
            self._positions = positions(db)

    def start(self) -> None:
        """Opens the file at once if that can be, so that what is in it can be asked for."""
        try:
            self.open()
        except Unavailable as error:
            logs.get().warning("read_model.waiting", why=str(error))
        self._thread.start()
        self._has_started = True

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def progress(self) -> Progress:
        """Raises Unavailable where nobody follows any more: then the log has an error of ours."""
        if self._has_started and not self._thread.is_alive() and not self._closing:
            raise Unavailable(DEPENDENCY, "its thread has ended by an error")
        with self._changed:
            return self._progress

    def caught_up(self, timeout_s: float) -> bool:
        """Waits until all that is in the streams now was taken. False: it was not, in that time. Raises Unavailable."""
        ends = {partition: bounds.end for partition, bounds in self._bounds().items()}
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._is_past(ends) or self._closing, timeout_s) and not self._closing

    def _is_past(self, ends: Mapping[Partition, int]) -> bool:
        """What an earlier process had read counts when it is known to be of these streams."""
        return self._has_begun and all(self._next(partition) >= end for partition, end in ends.items())

    def _next(self, partition: Partition) -> int:
        position = self._positions.get(partition)
        return 0 if position is None else position.next

    def _run(self) -> None:
        backoff = Backoff()
        while not self._closing:
            try:
                with closing(self._log.reader()) as reader:
                    while not self._closing:
                        self._round(reader)
                        backoff.reset()
                        self._wait(self._interval_s)
            except Unavailable as error:
                logs.get().warning("read_model.waiting", why=str(error))
                self._is_checked = False
                self._wait(backoff.next_s())

    def _wait(self, timeout_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._wanted, timeout_s)
            self._wanted = False

    # One round: all that there was when it began

    def _round(self, reader: Reader) -> None:
        if not self._database.is_open:
            self.open()
        now_ms, bounds = self._clock.now_ms(), self._bounds()
        self._renew_if_needed(reader, bounds)
        for partition, there in bounds.items():
            while self._next(partition) < there.end and not self._closing:
                self._take(reader, partition, there)
        if not self._closing:
            self._finish_round(now_ms)

    def _bounds(self) -> dict[Partition, Bounds]:
        return {
            (stream.name, part): bounds for stream in FOLLOWED for part, bounds in self._log.bounds(stream.name).items()
        }

    def _take(self, reader: Reader, partition: Partition, there: Bounds) -> None:
        """One batch."""
        position = self._positions.get(partition, Position(there.start))
        start = max(position.next, there.start)
        records = list(islice(reader.scan(*partition, start, there.end), BATCH))
        passed_over = 0
        with self._database.write() as db:
            taking = Taking(db, self._salt, self._excluded)
            for record in records:
                passed_over += not _taken(taking, record)
            taking.finish()
            position = _after(position, records, there.end, passed_over)
            keep(db, partition, position)
        with self._changed:
            self._positions[partition] = position
            self._count(max(0, position.next - start))
            self._changed.notify_all()

    # Progress, with the condition held

    def _count(self, records: int) -> None:
        told = self._progress
        if not told.rebuilding:
            return
        self._progress = replace(told, done=min(told.done + records, told.total))
        if time.monotonic() > self._told_s + _TOLD_EVERY_S:
            self._told_s = time.monotonic()
            logs.get().info("read_model.rebuilding", done=self._progress.done, total=told.total)

    def _finish_round(self, now_ms: int) -> None:
        with self._changed:
            if self._progress.rebuilding:
                total = self._progress.total
                logs.get().info("read_model.rebuilt", records=total)
                self._progress = Progress(total, total, rebuilding=False)
            self._progress = replace(self._progress, as_of_ms=now_ms)
            self._changed.notify_all()

    # Opening, and beginning anew

    def _renew_if_needed(self, reader: Reader, bounds: _Bounds) -> None:
        why = self._stale(reader, bounds)
        if why is not None:
            logs.get().warning("read_model.begun_anew", why=why)
            with self._changed:
                self._positions, self._has_begun = {}, False
            self._database.renew()
        if not self._has_begun:
            self._begin(bounds)

    def _begin(self, bounds: _Bounds) -> None:
        total = sum(there.end - there.start for there in bounds.values())
        left = sum(max(0, there.end - max(there.start, self._next(partition))) for partition, there in bounds.items())
        with self._changed:
            self._progress, self._has_begun = Progress(total - left, total, rebuilding=True), True
        if left:
            logs.get().info("read_model.rebuilding", done=total - left, total=total)

    def _stale(self, reader: Reader, bounds: _Bounds) -> str | None:
        if self._database.is_damaged:
            return "the file is damaged"
        if self._database.is_gone:
            return "the file is gone"
        anew = out_of_bounds(self._positions, bounds)
        if anew is None and not self._is_checked:
            anew = another(self._positions, reader)
        self._is_checked = True
        return None if anew is None else f"{anew[0]}/{anew[1]} was made anew"


def _taken(taking: Taking, record: Record) -> bool:
    try:
        message = STREAMS[record.stream].decode(record)
    except InvalidMessage as error:
        logs.get().warning("read_model.passed_over", where=record.where, why=str(error))
        return False
    taking.take(record, message)
    return True


def _after(position: Position, records: list[Record], end: int, passed_over: int) -> Position:
    """Offsets have gaps, so a batch that is not full has reached the end."""
    if not records:
        return replace(position, next=end)
    last = records[-1]
    reached = last.offset + 1 if len(records) == BATCH else end
    return Position(reached, last.offset, mark_of(last), position.passed_over + passed_over)
