"""What the parts of one open segment log share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.embedded.index import Index
from shared.streams.record import Partition
from shared.streams.stream import Stream


@dataclass(frozen=True, slots=True)
class Store:
    """`folder` holds the segment files; `prefix` goes before the names of streams and groups."""

    index: Index
    folder: Path
    prefix: str
    streams: Mapping[str, Stream]

    def id_of(self, partition: Partition) -> int | None:
        return self.index.id_of((self.prefix + partition[0], partition[1]))

    def partitions(self, stream: str) -> int:
        return self.index.partitions(self.prefix + stream)
