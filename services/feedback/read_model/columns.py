"""Columns: of every sample the numbers that are counted, in memory (41 bytes each), so that counting takes a few ms.

Promises: a cache of `samples`, brought up to date before each count with the rows that changed; a new file begins it anew.
"""

import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.feedback.read_model.database import Connection
from services.feedback.read_model.filters import FACETS, Filters, accepted, visible

Counts = dict[str, Counter[int]]
_Mask = NDArray[np.bool_]
_CHANGED = f"""SELECT seq, row, time_ms, has_image, {", ".join(FACETS)} FROM changes JOIN samples USING (row)
    WHERE seq > ? ORDER BY seq"""
_FETCH = 10_000


class Columns:
    """Any thread may count."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._begin("")

    def counts(self, db: Connection, filters: Filters) -> tuple[int, Counts]:
        """(samples that pass all filters, per facet and number the samples that pass all others)."""
        with self._guard:
            # The first read begins the snapshot: it must not be older than what somebody else brought into the columns.
            numbers = accepted(db, filters)
            sources = None if filters.sees is None else visible(db, filters.sees)
            self._catch_up(db)
            base = self._base(filters, sources)
            failing = {facet: ~_among(self._facets[facet][base], passing) for facet, passing in numbers.items()}
            fails = sum((one.astype(np.int8) for one in failing.values()), np.zeros(int(base.sum()), np.int8))
            found = {
                facet: _counted(self._facets[facet][base][fails == failing.get(facet, np.zeros(1, np.bool_))])
                for facet in FACETS
            }
            return int((fails == 0).sum()), found

    def _base(self, filters: Filters, sources: frozenset[int] | None) -> _Mask:
        """What holds whatever facet is looked at; rows that are none have no source."""
        mask: _Mask = self._facets["source"] > 0
        if filters.since_ms is not None:
            mask &= self._time_ms >= filters.since_ms
        if filters.until_ms is not None:
            mask &= self._time_ms < filters.until_ms
        if filters.has_image is not None:
            mask &= self._has_image == filters.has_image
        return mask if sources is None else mask & _among(self._facets["source"], sources)

    def _begin(self, made: str) -> None:
        self._made, self._seq = made, 0
        self._facets = {facet: np.zeros(0, np.int32) for facet in FACETS}
        self._time_ms = np.zeros(0, np.int64)
        self._has_image = np.zeros(0, np.bool_)

    def _catch_up(self, db: Connection) -> None:
        made = str(db.execute("SELECT id FROM made").fetchone()[0])
        if made != self._made:
            self._begin(made)
        changed = db.execute(_CHANGED, (self._seq,))
        while rows := changed.fetchmany(_FETCH):
            self._take(rows)

    def _take(self, rows: Sequence[tuple[int, ...]]) -> None:
        table = np.array(rows, np.int64)
        at = table[:, 1]
        self._grow(int(at.max()) + 1)
        self._time_ms[at], self._has_image[at] = table[:, 2], table[:, 3]
        for column, facet in enumerate(FACETS, 4):
            self._facets[facet][at] = table[:, column]
        self._seq = int(table[-1, 0])

    def _grow(self, size: int) -> None:
        missing = size - len(self._time_ms)
        if missing > 0:
            more = max(missing, len(self._time_ms) // 2)
            self._time_ms = np.pad(self._time_ms, (0, more))
            self._has_image = np.pad(self._has_image, (0, more))
            self._facets = {facet: np.pad(column, (0, more)) for facet, column in self._facets.items()}


def _among(column: NDArray[np.int32], numbers: frozenset[int]) -> _Mask:
    passing = np.zeros(max([*numbers, int(column.max(initial=0))]) + 1, np.bool_)
    passing[list(numbers)] = True
    return passing[column]


def _counted(column: NDArray[np.int32]) -> Counter[int]:
    found = np.bincount(column)
    return Counter({int(number): int(found[number]) for number in np.flatnonzero(found)})
