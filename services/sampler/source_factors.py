"""Source factors: by how much the floor weighs each source's frames, agreed with all other replicas hour by hour of log time.

Promises: the table of an hour is made once, from the hours before it, by whoever needs it first, and never changes. Without a
minimum per source nothing is asked or counted, and every factor is 1.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import TypeAdapter

from services.sampler.pacing import Pace
from services.sampler.plan.sources import Factors, factors
from shared.ports.state import State
from shared.streams import keys

HOUR_MS = 3_600_000
LOOKS_BACK = 6
"""Hours of counts that a table is made of."""
MOST_TABLES = 48
"""Hours whose table is kept in memory; the store keeps them all."""
MOST_SOURCES = 5000
"""Counted per hour and replica; more than that each weigh as if their share were fair."""
_FORM = TypeAdapter(Factors)
_EVEN = Factors()


class SourceFactors:
    def __init__(
        self, state: State, collection: str, floor_per_s: float, least_per_s: float, keep_s: int, pace: Pace
    ) -> None:
        self._state, self._collection, self._pace = state, collection, pace
        self._floor_per_s, self._least_per_s, self._keep_s = floor_per_s, least_per_s, keep_s
        self.wanted = floor_per_s > 0 and least_per_s > 0
        self._tables: dict[int, Factors] = {}
        self._counted_hour = -1
        self._counted: set[str] = set()

    def of(self, source_id: str, time_ms: int) -> float:
        """Of a time that was prepared, where factors are `wanted`."""
        table = self._tables[time_ms // HOUR_MS]
        return table.known.get(source_id, table.unknown)

    def counts_key(self, time_ms: int) -> str:
        """Where the frames of each source are counted in the hour of this time."""
        return f"{keys.totals_key(self._collection)}:sources:{hour_name(time_ms // HOUR_MS)}"

    def bound(self, time_ms: int, frames: Counter[str]) -> None:
        """Takes out sources that are too many for the hour of this time."""
        if time_ms // HOUR_MS != self._counted_hour:
            self._counted_hour, self._counted = time_ms // HOUR_MS, set()
        new = [source for source in frames if source not in self._counted]
        room = MOST_SOURCES - len(self._counted)
        self._counted.update(new[:room])
        for source in new[room:]:
            del frames[source]

    def prepare(self, times_ms: Sequence[int]) -> None:
        """Makes the tables of these times known. Raises Unavailable."""
        if not self.wanted:
            return
        if len(self._tables) > MOST_TABLES:
            self._tables = dict(list(self._tables.items())[-MOST_TABLES // 2 :])
        for hour in sorted({time_ms // HOUR_MS for time_ms in times_ms} - self._tables.keys()):
            self._tables[hour] = self._agreed(hour)

    def _agreed(self, hour: int) -> Factors:
        key = keys.factors_key(self._collection, hour_name(hour))
        self._pace.take()
        stored = self._state.get(key)
        if stored is None:
            table = self._made(hour)
            self._pace.take()
            stored = self._state.put_if_absent(key, _FORM.dump_json(table), self._keep_s)
        return _FORM.validate_json(stored)

    def _made(self, hour: int) -> Factors:
        earlier = range(hour - LOOKS_BACK, hour)
        self._pace.take()
        counted = self._state.counters([self.counts_key(one * HOUR_MS) for one in earlier])
        # A pipeline that is younger than that is asked about its own hours alone.
        began = next((one for one, frames in zip(earlier, counted, strict=True) if frames), None)
        if began is None:
            return _EVEN
        span_s = (hour - began) * HOUR_MS / 1000
        return factors(_sum(counted), span_s, self._floor_per_s, self._least_per_s)


def _sum(counted: Sequence[Mapping[str, int]]) -> dict[str, int]:
    frames: dict[str, int] = {}
    for one in counted:
        for source, count in one.items():
            frames[source] = frames.get(source, 0) + count
    return frames


def hour_name(hour: int) -> str:
    """Of an hour since 1970: `2026-11-23T10`, UTC."""
    return datetime.fromtimestamp(hour * HOUR_MS / 1000, UTC).strftime("%Y-%m-%dT%H")
