"""In flight: the frames that were taken from the log and whose predictions are not handed out yet.

Promises: they come out in the order in which they went in, within their partition; none twice, none left behind. One
partition's slow frame holds up no other's. A frame whose work could not be done now stays, and is begun again.
"""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.errors import Unavailable
from shared.runtime.service import Received
from shared.streams.record import Partition

T = TypeVar("T")
By = TypeVar("By")
Begin = Callable[[], "Future[T]"]


@dataclass(slots=True)
class Flown(Generic[T, By]):
    """One frame in flight, and whose work it is. `begin` starts the work, and starts it again."""

    received: Received
    size: int
    by: By
    begin: "Begin[T]"
    future: "Future[T]"

    @property
    def partition(self) -> Partition:
        return self.received.record.source

    @property
    def failure(self) -> Unavailable | None:
        """Why its work could not be done now, if so."""
        if not self.future.done() or self.future.cancelled():
            return None
        error = self.future.exception()
        return error if isinstance(error, Unavailable) else None

    @property
    def is_out(self) -> bool:
        return self.future.done() and self.failure is None


class Flight(Generic[T, By]):
    """Belongs to one thread; the work itself is done by others. `most` and `most_bytes`: what `make_room` leaves in it."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most, self._most_bytes = most, most_bytes
        self._frames: list[Flown[T, By]] = []

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Flown[T, By]]:
        return iter(self._frames)

    def add(self, received: Received, size: int, by: By, begin: "Begin[T]") -> None:
        self._frames.append(Flown(received, size, by, begin, begin()))

    def make_room(self) -> None:
        """Waits until no more are unfinished than may stay. Raises Unavailable when one needs what is down: it begins again."""
        self._try_again()
        while surplus := self._surplus():
            unfinished = [frame.future for frame in surplus if not frame.is_out]  # none: all finished since we looked
            wait(unfinished[-1:])
            self._try_again()

    def wait(self, timeout_s: float) -> None:
        """Until one can be handed out, or the time is over."""
        rest = self._split()[1]
        if rest and len(rest) == len(self._frames):
            wait([rest[0].future], timeout_s)

    def handed_out(self) -> "list[Flown[T, By]]":
        """Those that are finished, and nobody before them in their partition is not."""
        out, self._frames = self._split()
        return out

    def oldest(self, partition: Partition) -> int | None:
        """The offset from which that partition must be read again if all of this is lost; None where nothing is in flight."""
        return next((frame.received.record.offset for frame in self._frames if frame.partition == partition), None)

    def drop(self, partitions: Collection[Partition]) -> None:
        """They are somebody else's now."""
        for frame in self._frames:
            if frame.partition in partitions:
                frame.future.cancel()
        self._frames = [frame for frame in self._frames if frame.partition not in partitions]

    def _split(self) -> "tuple[list[Flown[T, By]], list[Flown[T, By]]]":
        """(what can be handed out, what cannot yet)."""
        out: list[Flown[T, By]] = []
        rest: list[Flown[T, By]] = []
        held: set[Partition] = set()
        for frame in self._frames:
            if frame.partition in held or not frame.is_out:
                held.add(frame.partition)
                rest.append(frame)
            else:
                out.append(frame)
        return out, rest

    def _surplus(self) -> "list[Flown[T, By]]":
        """The oldest of those that cannot be handed out yet, as many as are too many."""
        rest = self._split()[1]
        count, size = len(rest), sum(frame.size for frame in rest)
        surplus: list[Flown[T, By]] = []
        while count > self.most or (count > 1 and size > self._most_bytes):
            surplus.append(rest[len(surplus)])
            count, size = count - 1, size - surplus[-1].size
        return surplus

    def _try_again(self) -> None:
        """Begins again what could not be done. Raises Unavailable when the first of it still cannot."""
        failed = [frame for frame in self._frames if frame.failure is not None]
        for frame in failed:
            frame.future = frame.begin()
        if failed:
            wait([failed[0].future])
            if (why := failed[0].failure) is not None:
                raise why
