"""The segment log's consumer: a member of a group, its positions, and the wait for news.

Promises: the listener runs inside `poll` alone, first what was taken, then what was given. The lease is kept by `poll` and,
while this process lives, by a thread: a long inference does not lose it, a `poll` that never comes back does.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from shared.adapters.embedded.alive import own_name
from shared.adapters.embedded.groups import Membership, committed
from shared.adapters.embedded.log_reader import load
from shared.adapters.embedded.store import Store
from shared.errors import Fenced, Unavailable
from shared.ports.log import Listener
from shared.streams.record import Partition, Record

POLL_BYTES = 64 * 1024 * 1024
"""One poll stops adding records past this."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a consumer looks for news, how long its lease runs, and how seldom it may poll."""

    lease_s: float
    poll_interval_s: float
    max_poll_interval_s: float


class SegmentConsumer:
    """Belongs to one thread."""

    def __init__(
        self,
        store: Store,
        group: str,
        streams: Sequence[str],
        listener: Listener | None,
        pace: Pace,
    ) -> None:
        self._store = store
        self._index = store.index
        self._group = store.prefix + group
        self._streams = tuple(dict.fromkeys(streams))
        self._listener = listener
        self._poll_interval_s = pace.poll_interval_s
        names = [store.prefix + stream for stream in self._streams]
        self._member = Membership(self._index.database, self._group, own_name(), names, pace.lease_s)
        self._lease = _Lease(self._member, pace)
        self._check_s = pace.lease_s / 10
        self._looked_s = self._refreshed_s = 0.0
        self._generation = -1
        self._version = -1
        self._ids: dict[Partition, int] = {}
        self._positions: dict[Partition, int] = {}
        self._paused = False
        self._first = 0
        self._closed = False

    def poll(self, timeout_s: float, max_records: int) -> Sequence[Record]:
        deadline = time.monotonic() + timeout_s
        self._lease.polled()
        while True:
            self._version = self._index.database.version()
            self._rebalance()
            records = [] if self._paused else self._fetch(max_records)
            if records or not self._wait(deadline):
                return records

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        strangers = [partition for partition in offsets if partition not in self._ids]
        if strangers:
            raise Fenced(f"commit of group {self._group} refused: not assigned: {strangers}")
        self._member.commit({self._ids[partition]: offset for partition, offset in offsets.items()})

    def committed(self, partition: Partition) -> int | None:
        partition_id = self._store.id_of(partition)
        return None if partition_id is None else committed(self._index.database, self._group, partition_id)

    def seek(self, partition: Partition, offset: int) -> None:
        if partition not in self._ids:
            raise Fenced(f"cannot seek {partition}: it is not assigned to this consumer")
        self._positions[partition] = offset

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self._ids)

    def lag(self) -> Mapping[Partition, int]:
        return {each: max(0, self._index.end(self._ids[each]) - at) for each, at in self._positions.items()}

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._lease.stop()
        self._member.leave()

    def _rebalance(self) -> None:
        """Looks at the group if there is news, hands over what others should have, takes what is ours and free."""
        self._looked_s = time.monotonic()
        if not self._member.news(self._generation) and self._looked_s - self._refreshed_s < self._lease.renew_s:
            return
        view = self._member.refresh()
        self._refreshed_s = self._looked_s
        self._give_up(frozenset(each for each, id_ in self._ids.items() if id_ not in view.owned & view.share))
        if surplus := view.owned - view.share:
            self._member.release(surplus)
        self._take(view.share - frozenset(self._ids.values()))
        self._generation = view.generation  # last: whatever failed before is news again

    def _give_up(self, partitions: frozenset[Partition]) -> None:
        if not partitions:
            return
        if self._listener is not None:
            self._listener.on_revoked(partitions)
        for each in partitions:
            del self._ids[each], self._positions[each]

    def _take(self, wanted: frozenset[int]) -> None:
        taken = self._member.claim(wanted) if wanted else frozenset()
        if not taken:
            return
        named = {partition: id_ for partition, id_ in self._all().items() if id_ in taken}
        for partition, partition_id in named.items():
            start = committed(self._index.database, self._group, partition_id)
            self._positions[partition] = self._index.bounds(partition_id)[0] if start is None else start
        self._ids.update(named)
        if self._listener is not None:
            self._listener.on_assigned(frozenset(named))

    def _all(self) -> dict[Partition, int]:
        """Every partition of the subscribed streams, with its id."""
        found: dict[Partition, int] = {}
        for stream in self._streams:
            for number in range(self._store.partitions(stream)):
                partition_id = self._store.id_of((stream, number))
                found.update({} if partition_id is None else {(stream, number): partition_id})
        return found

    def _fetch(self, max_records: int) -> list[Record]:
        """Round robin over the partitions, beginning after the one that began last time: none starves."""
        order = sorted(self._ids)
        self._first = (self._first + 1) % max(len(order), 1)
        records: list[Record] = []
        left = POLL_BYTES
        for partition in order[self._first :] + order[: self._first]:
            got = self._fetch_one(partition, max_records - len(records), left)
            records.extend(got)
            left -= sum(len(record.value or b"") for record in got)
            if len(records) >= max_records or left <= 0:
                break
        return records

    def _fetch_one(self, partition: Partition, most: int, most_bytes: int) -> list[Record]:
        partition_id, position = self._ids[partition], self._positions[partition]
        end = self._index.end(partition_id)
        if end <= position:
            return []
        entries = self._index.slice(partition_id, position, end, most)
        fitting, size = 0, 0
        while fitting < len(entries) and size < most_bytes:
            size += entries[fitting].place.size or 0
            fitting += 1
        complete = fitting == len(entries) < most
        self._positions[partition] = end if complete else entries[fitting - 1].offset + 1
        return load(entries[:fitting], self._store.folder, partition)

    def _wait(self, deadline: float) -> bool:
        """True when there may be news, False at the deadline."""
        while (left_s := deadline - time.monotonic()) > 0:
            if self._index.database.version() != self._version or time.monotonic() - self._looked_s > self._check_s:
                return True
            time.sleep(min(self._poll_interval_s, left_s))
        return False


class _Lease:
    """Renews a member's lease in the background, as long as its owner polls now and then."""

    def __init__(self, member: Membership, pace: Pace) -> None:
        self.renew_s = pace.lease_s / 3
        self._member = member
        self._max_poll_interval_s = pace.max_poll_interval_s
        self._polled_s = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="segment-log-lease", daemon=True)
        self._thread.start()

    def polled(self) -> None:
        self._polled_s = time.monotonic()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self.renew_s):
            if time.monotonic() - self._polled_s <= self._max_poll_interval_s:
                self._renew()

    def _renew(self) -> None:
        try:
            self._member.renew()
        except Unavailable as error:  # the next turn tries again; until then the lease runs
            _log.warning("lease.not_renewed", why=str(error))
