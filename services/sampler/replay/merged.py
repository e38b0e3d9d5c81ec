"""Merged: the recorded predictions of all partitions in the order of their log time, in batches of one second at most.

Promises: what lies a block before the span comes first, so that its sources' past is known, and what lies shortly after it
comes last, since frames of the span wait for it. One batch is in memory at a time.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from services.sampler.replay.span import Span, at_or_after, bounds_of, first_at
from services.sampler.waiting import MOST_WAIT_MS
from shared.errors import InvalidMessage
from shared.ports.log import Bounds, Log, Reader
from shared.runtime.service import Received
from shared.streams import PREDICTIONS
from shared.streams.record import Record
from shared.streams.tallies import BLOCK

MOST_TOGETHER = 500
SECOND_MS = 1000


class Recorded:
    """The predictions of a span, of all partitions or of one.

    `inside`: partition → offsets that lie in the span; `around`: with what is read beside. `covered`: from the first to the
    last of them, to the second; the span itself where there are none.
    """

    def __init__(self, log: Log, span: Span, partition: int | None = None) -> None:
        self._log, self.span = log, span
        reader = log.reader()
        try:
            self.inside = bounds_of(log, reader, PREDICTIONS.name, span, partition)
            self.around = self._around(reader, log.bounds(PREDICTIONS.name))
            self.covered = self._covered(reader)
        finally:
            reader.close()

    def batches(self, met: Callable[[int], None] = lambda records: None) -> Iterator[list[Received]]:
        """In order; `met` is told how many records were read, also those that are no predictions."""
        readers = {number: self._log.reader() for number in self.around}
        try:
            scans = [_scan(readers[number], number, bounds) for number, bounds in self.around.items()]
            yield from _cut(heapq.merge(*scans, key=_order), met)
        finally:
            for reader in readers.values():
                reader.close()

    def _around(self, reader: Reader, whole: Mapping[int, Bounds]) -> dict[int, Bounds]:
        until_ms = self.span.end_ms + MOST_WAIT_MS
        around = {}
        for number, inside in self.inside.items():
            after = Bounds(inside.end, max(inside.end, whole[number].end))
            end = first_at(reader, PREDICTIONS.name, number, after, until_ms)
            around[number] = Bounds(max(whole[number].start, inside.start - BLOCK), end)
        return around

    def _covered(self, reader: Reader) -> Span:
        held = [(number, bounds) for number, bounds in self.inside.items() if bounds.start < bounds.end]
        firsts = [one.time_ms for number, bounds in held for one in [_first_of(reader, number, bounds)] if one]
        lasts = [one.time_ms for number, bounds in held for one in [_last_of(reader, number, bounds)] if one]
        if not firsts or not lasts:
            return self.span
        return Span(min(firsts), min(self.span.end_ms, max(lasts) + SECOND_MS))


def _first_of(reader: Reader, partition: int, bounds: Bounds) -> Record | None:
    return at_or_after(reader, PREDICTIONS.name, partition, bounds.start, bounds.end)


def _last_of(reader: Reader, partition: int, bounds: Bounds) -> Record | None:
    """Of the offsets before the end, which may have gaps."""
    for back in (1, BLOCK, bounds.end - bounds.start):
        found = list(_scan(reader, partition, Bounds(max(bounds.start, bounds.end - back), bounds.end)))
        if found:
            return found[-1]
    return None


def _scan(reader: Reader, partition: int, bounds: Bounds) -> Iterator[Record]:
    return reader.scan(PREDICTIONS.name, partition, bounds.start, bounds.end)


def _order(record: Record) -> tuple[int, int, int]:
    return record.time_ms, record.partition, record.offset


def _cut(records: Iterator[Record], met: Callable[[int], None]) -> Iterator[list[Received]]:
    for _, second in groupby(records, key=lambda record: record.time_ms // SECOND_MS):
        batch: list[Received] = []
        for record in second:
            met(1)
            batch += _decoded(record)
            if len(batch) == MOST_TOGETHER:
                yield batch
                batch = []
        if batch:
            yield batch


def _decoded(record: Record) -> list[Received]:
    """None of what is no prediction: it is a dead letter of the sampler's."""
    try:
        return [Received(record, PREDICTIONS.decode(record))]
    except InvalidMessage:
        return []
