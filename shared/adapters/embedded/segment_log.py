"""The log on one box: a SQLite index and append-only segment files in a folder that several processes share.

Promises: `shared.ports.log`, with offsets that are never reused and log times that never go back within a partition.
`verdicts`, `samples`, `uploads`, `tallies` and dead letters are fsynced before their future is done; `frames` and
`predictions` outlive a killed process, a power loss may take their last moments (never an offset twice, never other bytes).
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shared.adapters.embedded.database import said_as_unavailable
from shared.adapters.embedded.groups import committed
from shared.adapters.embedded.index import Index
from shared.adapters.embedded.log_consumer import Pace, SegmentConsumer
from shared.adapters.embedded.log_producer import SegmentProducer
from shared.adapters.embedded.log_reader import LogReader
from shared.adapters.embedded.retention import Sweeper, unlink_orphans
from shared.adapters.embedded.segments import SegmentWriter
from shared.adapters.embedded.store import Store
from shared.ports.log import Bounds, Consumer, Listener, Producer, Reader
from shared.streams import STREAMS
from shared.streams.stream import Stream

SEGMENT_BYTES = 64 * 1024 * 1024
SEGMENT_S = 600.0


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class SegmentLog:
    """`folder` on a local disk. `lease_s`: how long a silent member keeps its partitions. Close it: that spares a skip."""

    def __init__(
        self,
        folder: Path,
        prefix: str = "",
        partitions: int = 1,
        lease_s: float = 10.0,
        poll_interval_s: float = 0.003,
        max_poll_interval_s: float = 300.0,
        timeout_s: float = 10.0,
        segment_bytes: int = SEGMENT_BYTES,
        streams: Mapping[str, Stream] = STREAMS,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._prefix = prefix
        self._new_partitions = partitions
        self._pace = Pace(lease_s, poll_interval_s, max_poll_interval_s)
        self._segment_bytes = segment_bytes
        self._streams = streams
        self._folder = folder / "segments"
        with said_as_unavailable("log"):
            self._folder.mkdir(parents=True, exist_ok=True)
            self.index = Index(folder / "log.db", now_ms, _boot_id(), timeout_s)
            unlink_orphans(self.index.database, self._folder)
        self.sweeper = Sweeper(self.index.database, self._folder, streams, prefix, now_ms)
        self._store = Store(self.index, self._folder, prefix, streams)
        self._opened: list[Producer | Consumer] = []
        self._closed = False

    def producer(self, max_in_flight_bytes: int = 64 * 1024 * 1024, timeout_s: float = 30.0) -> Producer:
        writer = SegmentWriter(self._folder, self._segment_bytes, SEGMENT_S)
        after_batch = self.sweeper.now_and_then
        producer = SegmentProducer(self._store, writer, max_in_flight_bytes, timeout_s, after_batch)
        self._opened.append(producer)
        return producer

    def consumer(self, group: str, streams: Sequence[str], listener: Listener | None = None) -> Consumer:
        consumer = SegmentConsumer(self._store, group, streams, listener, self._pace)
        self._opened.append(consumer)
        return consumer

    def reader(self) -> Reader:
        return LogReader(self._store)

    def partitions(self, stream: str) -> int:
        return self._store.partitions(stream)

    def bounds(self, stream: str) -> Mapping[int, Bounds]:
        return {number: Bounds(*self.index.bounds(id_)) for number, id_ in self._ids(stream).items()}

    def committed(self, group: str, stream: str) -> Mapping[int, int]:
        database, name = self.index.database, self._prefix + group
        found = {number: committed(database, name, id_) for number, id_ in self._ids(stream).items()}
        return {number: offset for number, offset in found.items() if offset is not None}

    def apply(self, partitions: int | None = None) -> Sequence[str]:
        count = self._new_partitions if partitions is None else partitions
        missing = [name for name in self._streams if self.partitions(name) == 0]
        for name in missing:
            self.index.create(self._prefix + name, count)
        return [f"made stream {self._prefix}{name} with {count} partitions" for name in missing]

    def check(self) -> Sequence[str]:
        counts = {name: self.partitions(name) for name in self._streams}
        missing = [
            f"stream {self._prefix}{name} does not exist: apply makes it" for name, n in counts.items() if n == 0
        ]
        damage = self.index.database.damage()
        if damage is not None:
            missing.append(
                f"the index {self._folder.parent / 'log.db'} is damaged ({damage}): copy the folder away, then mend it"
            )
        there = {name: n for name, n in counts.items() if n > 0}
        if len(set(there.values())) <= 1:
            return missing
        said = ", ".join(f"{name} {n}" for name, n in there.items())
        return [*missing, f"streams share partition numbers and must have equally many partitions: {said}"]

    def ping(self) -> None:
        self.index.database.version()

    def close(self) -> None:
        """Closes what it has opened, too."""
        if self._closed:
            return
        self._closed = True
        for opened in self._opened:
            opened.close()
        self.index.settle()
        self.index.database.close()

    def _ids(self, stream: str) -> dict[int, int]:
        found = {number: self._store.id_of((stream, number)) for number in range(self.partitions(stream))}
        return {number: id_ for number, id_ in found.items() if id_ is not None}


def _boot_id() -> str:
    """Tells one start of the box from another; where the system has no such id, every opening counts as one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return uuid.uuid4().hex
