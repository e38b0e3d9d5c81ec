"""The tail: predictions that no tally speaks of yet, counted with the tallies' own chain: N is no older than the designs.

Promises: each prediction is read once, however often it is asked; a question takes a bounded time and is answered with all
of them or not at all, and the next one goes on from there; while the log is down, what was counted stays. Reads as far as
`predictions` is kept and as the sampler has come: a frame that it has not met could not be drawn, and belongs to no N yet.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from services.feedback.lookup.readers import within
from shared.errors import InvalidMessage, Unavailable
from shared.ports import Bounds, Log, Reader
from shared.streams.predictions import PREDICTIONS
from shared.streams.tallies import Chain, Count, Tally
from shared.telemetry import logs

BUDGET_S = 5.0
"""Most of a question's time that goes into reading on: for some fifty thousand predictions. A tail is a block of each
partition, far less, unless no sampler has counted for long."""
SAMPLER = "sampler"
"""The group whose commits say how far it has come. Where it has none, nobody draws: all that there is counts."""
_LOOK_EVERY = 64
Signed = tuple[int, Count]
"""+1 or -1, and what is to be added that often."""


class Tail:
    """Any thread may ask; one thread of its own reads."""

    def __init__(self, log: Log, timeout_s: float = 10.0) -> None:
        self._log = log
        self._timeout_s = timeout_s
        self._reader: Reader | None = None
        self._parts: dict[int, _Part] = {}
        self._is_whole = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-model-tail")

    def beyond(self, last: Mapping[int, Tally]) -> list[Signed]:
        """What came after the last tally of each partition. Raises Unavailable where there is more than was read in time."""
        return within(self._timeout_s, "log", self._thread.submit(self._beyond, last))

    def close(self) -> None:
        closed = self._thread.submit(self._close)
        self._thread.shutdown()
        closed.result()

    def _beyond(self, last: Mapping[int, Tally]) -> list[Signed]:
        try:
            is_read = self._read_on(last)
        except Unavailable as error:
            logs.get().warning("read_model.tail_waits", why=str(error))
            is_read = self._is_whole  # not at a start while the log is down, nor half way
        if not is_read:
            # Too small an N would make every rate too high, and nothing would show it.
            raise Unavailable("read model", "the frames since the last tally are still being counted: ask again")
        return [signed for number, part in self._parts.items() for signed in part.beyond(last.get(number))]

    def _read_on(self, last: Mapping[int, Tally]) -> bool:
        """Whether all was read that there was."""
        if self._reader is None:
            self._reader = self._log.reader()
        until_s = time.monotonic() + BUDGET_S
        met = self._log.committed(SAMPLER, PREDICTIONS.name)
        is_read = True
        for number, bounds in self._log.bounds(PREDICTIONS.name).items():
            part = self._parts.get(number)
            if part is None or part.is_behind(last.get(number), bounds):
                part = self._parts[number] = _Part(number, last.get(number), bounds.start)
                self._is_whole = False
            reached = replace(bounds, end=min(bounds.end, met.get(number, bounds.end)))
            is_read = part.read_on(self._reader, reached, until_s) and is_read
        self._is_whole = is_read
        return is_read

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()


class _Part:
    """One partition: its chain, and the blocks that ended since the last tally."""

    def __init__(self, number: int, last: Tally | None, start: int) -> None:
        self._number = number
        self._chain = Chain(number, last, start)
        self._finished: list[Tally] = []

    def is_behind(self, last: Tally | None, bounds: Bounds) -> bool:
        """A tally has overtaken it, or the stream was made anew."""
        return bounds.end < self._chain.up_to or (last is not None and self._chain.up_to < last.up_to)

    def read_on(self, reader: Reader, bounds: Bounds, until_s: float) -> bool:
        """Whether it came to the end before its time was over."""
        records = reader.scan(PREDICTIONS.name, self._number, max(bounds.start, self._chain.up_to), bounds.end)
        for met, record in enumerate(records, 1):
            try:
                finished = self._chain.meet(record.offset, PREDICTIONS.decode(record))
            except InvalidMessage:
                continue  # the sampler counts it among its dead letters
            if finished is not None:
                self._finished.append(finished)
            if met % _LOOK_EVERY == 0 and time.monotonic() > until_s:
                return False
        return True

    def beyond(self, last: Tally | None) -> list[Signed]:
        """Blocks after the last tally's; of its own block, what it does not say yet."""
        if last is not None and last.up_to >= self._chain.up_to:
            return []  # it was overtaken, and could not read on
        block = -1 if last is None else last.block
        self._finished = [tally for tally in self._finished if tally.block >= block]
        still_open = self._chain.tally()
        known = [*self._finished, *([] if still_open is None else [still_open])]
        added = [(1, count) for tally in known if tally.block >= block for count in tally.counts]
        told = any(tally.block == block for tally in known) and last is not None
        return [*added, *((-1, count) for count in (last.counts if told and last is not None else ()))]
