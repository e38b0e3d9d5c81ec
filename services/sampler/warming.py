"""Warming: what a new owner of a partition reads back before its first prediction: the last tally, and what came after it.

Promises: nothing is read at the assignment, which changes memory only; Unavailable is raised when the log does not answer, and
the reading goes on where it stopped. The block of predictions before the first delivered one is read in any case, so that its
sources' recent past is known. At most `MOST_AT_ONCE` records between two polls.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from services.sampler.tallying import Tallying
from shared.errors import InvalidMessage, Unavailable
from shared.ports.log import Log, Reader
from shared.runtime.service import Received
from shared.streams import PREDICTIONS, STREAMS, TALLIES
from shared.streams.record import Record
from shared.streams.tallies import BLOCK, Tally
from shared.telemetry import logs

STEP = 64
"""Offsets of the first look back from an end; each further look is twice as long, since compaction leaves gaps."""
MOST_AT_ONCE = 50_000

Listener = Callable[[Received], None]
"""Is told every prediction that is read back, in order."""


class Warming:
    def __init__(self, log: Log, reader: Reader, tallying: Tallying, *listeners: Listener) -> None:
        self._log, self._reader = log, reader
        self._tallying = tallying
        self._listeners = (tallying.meet, *listeners)
        self._next: dict[int, int | None] = {}
        self._notes = logs.get(service="sampler")

    def expect(self, partitions: set[int]) -> None:
        """These are ours now: their first prediction is to find everything warm."""
        self._next.update(dict.fromkeys(partitions))

    def forget(self, partitions: set[int]) -> None:
        """These are somebody else's now."""
        for partition in partitions:
            self._next.pop(partition, None)

    def warm(self, batch: Sequence[Received]) -> None:
        """Before anything else is done with the batch. Raises Unavailable; then the batch is handed in again."""
        if not self._next:
            return
        for partition, first in _first_offsets(batch).items():
            if partition in self._next:
                self._read_back(partition, first)
                del self._next[partition]

    def _read_back(self, partition: int, first: int) -> None:
        """Everything from where the tallies end, or a block, up to the first delivered prediction."""
        start = self._next[partition]
        if start is None:
            start = self._next[partition] = min(self._resume(partition, first), max(0, first - BLOCK))
        read = 0
        for record in self._reader.scan(PREDICTIONS.name, partition, start, first):
            if read == MOST_AT_ONCE:
                raise Unavailable("log", f"{first - record.offset:,} predictions of partition {partition} to read back")
            self._tell(record)
            self._next[partition] = record.offset + 1
            read += 1
        self._notes.info("partition.warmed", partition=partition, start=start, first=first, read=read)

    def _resume(self, partition: int, first: int) -> int:
        """Where the chain of tallies goes on; where there is none yet, with the block of the prediction before the first."""
        tally = self._last_tally(partition)
        start = 0 if tally is not None else self._last_block(partition, first)
        return self._tallying.resume(partition, tally, start)

    def _last_tally(self, partition: int) -> Tally | None:
        """Of the latest records the one that reaches furthest: a former owner may have written after its successor.

        None that reaches past the predictions: it counts a stream that was made anew since, and its offsets would not come
        again for long, while nothing is counted.
        """
        bounds = self._log.bounds(TALLIES.name).get(partition)
        if bounds is None:
            return None
        end = self._log.bounds(PREDICTIONS.name)[partition].end
        latest = _latest(self._reader, TALLIES.name, partition, bounds.start, bounds.end)
        tallies: list[Tally] = [tally for record in latest for tally in _decoded(record) if tally.up_to <= end]
        return max(tallies, key=_reach, default=None)

    def _last_block(self, partition: int, first: int) -> int:
        """No tally was ever written, so nothing older than this block was counted by one who writes them."""
        bounds = self._log.bounds(PREDICTIONS.name)[partition]
        latest = _latest(self._reader, PREDICTIONS.name, partition, bounds.start, first)
        return latest[-1].offset // BLOCK * BLOCK if latest else first

    def _tell(self, record: Record) -> None:
        for message in _decoded(record):
            received = Received(record, message)
            for listener in self._listeners:
                listener(received)


def _first_offsets(batch: Sequence[Received]) -> dict[int, int]:
    """Per partition the offset of the first prediction of the batch."""
    first: dict[int, int] = {}
    for received in batch:
        if received.record.stream == PREDICTIONS.name:
            first.setdefault(received.record.partition, received.record.offset)
    return first


def _latest(reader: Reader, stream: str, partition: int, start: int, end: int) -> list[Record]:
    """The last records before `end`: of the first stretch, looking back, in which there are any."""
    step = STEP
    while end > start:
        latest = list(reader.scan(stream, partition, max(start, end - step), end))
        if latest:
            return latest
        end, step = max(start, end - step), step * 2
    return []


def _decoded(record: Record) -> Iterator[Any]:
    """Its message; nothing where it makes none: whoever met it first wrote the dead letter."""
    try:
        yield STREAMS[record.stream].decode(record)
    except InvalidMessage:
        return


def _reach(tally: Tally) -> int:
    return tally.up_to
