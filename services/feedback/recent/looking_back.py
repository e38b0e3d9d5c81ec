"""Looking back: the newest predictions of a source, from the end of its partition, in blocks that grow.

Promises: bounded in records and in time; `complete` says whether everything was looked at that could have been meant, and
`before` where to go on. A record is decoded only when its key is the source's.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.feedback.recent.lanes import Lanes
from services.feedback.recent.places import Places
from services.feedback.recent.wanted import Named, Wanted, first_of
from services.feedback.refusals import InvalidRequest
from shared.ports import Log
from shared.ports.log import Bounds
from shared.streams.predictions import PREDICTIONS

MOST_RECORDS = 20_000
MOST_S = 2.0
FIRST_BLOCK, MOST_BLOCK = 256, 2_048
"""Records that are read at a time: in memory are, at most, those of a block that have the source's key."""
GROWTH = 4


@dataclass(frozen=True, slots=True)
class Page:
    """The newest first. `before`: the cursor of the next page, None where the partition has nothing older."""

    found: list[Named]
    before: str | None
    complete: bool


@dataclass(slots=True)
class _Budget:
    """How much may still be looked at."""

    records: int = field(default_factory=lambda: MOST_RECORDS)
    until_s: float = field(default_factory=lambda: time.monotonic() + MOST_S)

    @property
    def is_left(self) -> bool:
        return self.records > 0 and time.monotonic() < self.until_s


class LookingBack:
    """Pages of one source's predictions. Any thread may ask."""

    def __init__(self, log: Log, lanes: Lanes, places: Places) -> None:
        self._log = log
        self._lanes = lanes
        self._places = places

    def page(self, source_id: str, wanted: Wanted, limit: int, before: str | None = None) -> Page:
        """Raises InvalidRequest (no cursor of ours), Unavailable."""
        at = None if before is None else _parsed(before)
        budget = _Budget()
        bounds = self._log.bounds(PREDICTIONS.name)
        if at is None:
            order = self._places.order(source_id, len(bounds), budget.until_s) if bounds else []
            return self._search(wanted, limit, order, order[:1], bounds, budget)
        partition, offset, first = at
        rest = {**bounds, partition: _cut(bounds, partition, offset)}
        if first is None:  # a source stays where its first page was found
            return self._walk(wanted, limit, partition, rest[partition], budget)
        return self._search(wanted, limit, _around(partition, first, len(bounds)), [first], rest, budget)

    def _search(
        self,
        wanted: Wanted,
        limit: int,
        order: Sequence[int],
        first: Sequence[int],
        bounds: Mapping[int, Bounds],
        budget: _Budget,
    ) -> Page:
        """Of the partition where the source lies; all are asked in turn, in as many requests as it takes to find it.

        Its cursor says, beside where to go on, with which partition the search began.
        """
        for partition in order:
            page = self._walk(wanted, limit, partition, bounds[partition], budget)
            if page.found:
                return page
            if page.before is not None:
                return Page([], f"{page.before}-{first[0]}", complete=False)
        return Page([], None, complete=True)

    def _walk(self, wanted: Wanted, limit: int, partition: int, bounds: Bounds, budget: _Budget) -> Page:
        """Backwards from the end until there are enough, or nothing is older, or the budget is spent."""
        found: list[Named] = []
        at, block = bounds.end, FIRST_BLOCK
        while at > bounds.start and len(found) < limit and budget.is_left:
            start = max(bounds.start, at - min(block, budget.records))
            records = self._lanes.scan(partition, start, at, lambda one: wanted.by_key(one.key), budget.until_s)
            if records is None:
                break
            found += first_of(reversed(records), wanted, limit - len(found))
            budget.records -= at - start
            at, block = start, min(block * GROWTH, MOST_BLOCK)
        if len(found) == limit:
            return Page(found, _next(found[-1], bounds), complete=True)
        done = at <= bounds.start
        return Page(found, None if done else f"{partition}-{at}", complete=done)


def _next(last: Named, bounds: Bounds) -> str | None:
    partition, offset, _ = last.prediction_id.split("-")
    return f"{partition}-{offset}" if int(offset) > bounds.start else None


def _cut(bounds: Mapping[int, Bounds], partition: int, offset: int) -> Bounds:
    there = bounds.get(partition)
    if there is None:
        raise InvalidRequest("before: expected the cursor of an earlier page, got one of no partition", "before")
    return Bounds(there.start, min(there.end, offset))


def _around(partition: int, first: int, partitions: int) -> list[int]:
    """From this one on to the one before that with which the search began."""
    if first >= partitions:
        raise InvalidRequest("before: expected the cursor of an earlier page, got one of no partition", "before")
    return [(partition + step) % partitions for step in range((first - partition - 1) % partitions + 1)]


def _parsed(cursor: str) -> tuple[int, int, int | None]:
    """(partition, offset, the partition with which a search began that has found nothing yet)."""
    partition, _, rest = cursor.partition("-")
    offset, dash, first = rest.partition("-")
    if not (_is_number(partition, 9) and _is_number(offset, 18) and (not dash or _is_number(first, 9))):
        raise InvalidRequest("before: expected PARTITION-OFFSET as an earlier page gave it", "before")
    return int(partition), int(offset), int(first) if dash else None


def _is_number(text: str, most_digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most_digits
