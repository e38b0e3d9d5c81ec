"""What the worker asks of a service: one `handle`, and a few moments at which it is told something.

Promises to a service: one thread calls all of this; a batch is handed in again, whole or what is left of it, until `handle`
returns; records come in order within their partition; nothing is committed before every output is durable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from shared.errors import InvalidMessage
from shared.runtime.live import Live
from shared.streams.record import NewRecord, Partition, Record


@dataclass(frozen=True, slots=True)
class Received:
    """A record and the message that its stream's `decode` made of it."""

    record: Record
    message: Any


@dataclass(slots=True)
class Handled:
    """What came of a batch: what to publish, in order, and which records turned out never to work.

    `records`: of how many records it came, where some of the batch stay in flight or some of earlier ones are among it.
    """

    outputs: list[NewRecord] = field(default_factory=list)
    dead: list[tuple[Record, InvalidMessage]] = field(default_factory=list)
    records: int | None = None


class Service:
    """One process with one `handle`. Subclasses name what they read and override what they need."""

    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]
    max_records: int = 200
    live: Live | None = None
    """Of a service that takes up changed settings: it asks between batches, and the health page shows what is in force."""

    def poll_timeout_s(self) -> float:
        """How long the worker may wait for records before it calls `handle` with an empty batch."""
        return 0.5

    def handle(self, batch: Sequence[Received]) -> Handled:
        """The work. The batch may be empty: time for work of its own. Must give the same for the same records.

        Raises Unavailable when a dependency is down: the worker pauses and hands the batch in again.
        """
        raise NotImplementedError(f"{type(self).__name__}.handle")

    def confirmed(self) -> None:
        """Every output of the last `handle` is durable. May raise Unavailable; then it is called again."""

    def committable(self, partition: Partition, position: int) -> int:
        """The offset up to which the partition may be committed; at most `position`."""
        return position

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        """These partitions are ours now. Changes memory only."""

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """These are somebody else's now. Changes memory only."""

    def parting(self) -> Sequence[NewRecord]:
        """Last words of a drain, from memory alone: published if the log takes them at once; nobody waits for them."""
        return ()

    def close(self) -> None:
        """The worker is done; let go of threads and files."""
