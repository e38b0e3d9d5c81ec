"""Tallying: the writer of `tallies`, the counts over all predictions that the sampler meets (DESIGN 4).

Promises: a pure chain of blocks per partition, so whoever writes a tally writes the same. A prediction that is delivered
again counts once; a finished tally stays due until `settle`. Where a partition's chain goes on after an assignment is read
back by `services.sampler.warming`; a partition that is met without it begins anew.
"""

from services.sampler.idle import Idle
from shared.runtime.service import Received
from shared.streams.record import NewRecord
from shared.streams.tallies import Chain, Tally, new_tally

HOUR_MS = 3_600_000
IDLE_S = 60.0
"""A partition of which nothing came for so long is told as far as it goes."""


class _Counted:
    """One partition's chain, how far it was told, and in which hour of log time it is."""

    __slots__ = ("chain", "hour", "told_to")

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.told_to = chain.up_to
        self.hour = -1

    def rest(self) -> list[NewRecord]:
        """What was counted and not told yet: the open block so far, or nothing."""
        tally = self.chain.tally() if self.chain.up_to > self.told_to else None
        self.told_to = self.chain.up_to
        return [] if tally is None else [new_tally(tally, finished=False)]


class Tallying:
    def __init__(self) -> None:
        self._partitions: dict[int, _Counted] = {}
        self._due: list[NewRecord] = []
        self._idle = Idle()

    def resume(self, partition: int, previous: Tally | None, start: int) -> int:
        """The chain goes on after this tally, or begins at `start`. Returns the next offset that counts."""
        self.forget({partition})
        counted = self._partitions[partition] = _Counted(Chain(partition, previous, start))
        return counted.chain.up_to

    def meet(self, received: Received) -> None:
        """Every prediction of a partition in order, shadows too. Those that were met before change nothing."""
        record = received.record
        self._idle.heard(record.partition)
        counted = self._partitions.get(record.partition)
        if counted is None:
            counted = self._partitions[record.partition] = _Counted(Chain(record.partition))
        hour = record.time_ms // HOUR_MS
        if hour > counted.hour:
            self._begin_hour(counted, hour)
        finished = counted.chain.meet(record.offset, received.message)
        if finished is not None:
            self._due.append(new_tally(finished))
            counted.told_to = finished.up_to

    def due(self, now_s: float) -> list[NewRecord]:
        """What is to be published with this batch; the same again until `settle`. `now_s`: a clock that never goes back."""
        self._idle.look(now_s)
        for partition in self._idle.quiet(IDLE_S):
            if partition in self._partitions:
                self._due += self._partitions[partition].rest()
        return list(self._due)

    def settle(self) -> None:
        """The batch is through."""
        self._idle.settle()
        self._due = []

    def closing(self) -> list[NewRecord]:
        """What was counted and not told yet: for the drain. Call it when everything else is settled."""
        return [tally for counted in self._partitions.values() for tally in counted.rest()]

    def forget(self, partitions: set[int]) -> None:
        """These partitions come or go: their owner reads back where the chain goes on."""
        self._idle.forget(partitions)
        self._due = [tally for tally in self._due if tally.partition not in partitions]
        for partition in partitions:
            self._partitions.pop(partition, None)

    def _begin_hour(self, counted: _Counted, hour: int) -> None:
        """Each hour of log time is told when the next one begins."""
        if counted.hour >= 0:
            self._due += counted.rest()
        counted.hour = hour
