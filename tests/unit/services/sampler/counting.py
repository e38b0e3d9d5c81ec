"""A service that does nothing but tally, and the predictions and the log it works on."""

import time
from collections.abc import Sequence
from typing import ClassVar

from services.sampler.tallying import Tallying
from services.sampler.warming import Listener, Warming
from shared.ports.log import Log
from shared.runtime.service import Handled, Received, Service
from shared.streams import PREDICTIONS, TALLIES
from shared.streams.predictions import Prediction
from shared.streams.record import NewRecord, Partition
from shared.streams.tallies import Tally, count, newest
from tests.unit.shared.streams.making import prediction


class Counting(Service):
    """As the sampler does it: warm, meet, publish, settle."""

    name: ClassVar[str] = "counting"
    reads: ClassVar[tuple[str, ...]] = (PREDICTIONS.name,)

    def __init__(self, log: Log, *listeners: Listener) -> None:
        self.tallying = Tallying()
        self.reader = log.reader()
        self.warming = Warming(log, self.reader, self.tallying, *listeners)

    def poll_timeout_s(self) -> float:
        return 0.05

    def handle(self, batch: Sequence[Received]) -> Handled:
        self.warming.warm(batch)
        for received in batch:
            self.tallying.meet(received)
        return Handled(self.tallying.due(time.monotonic()))

    def confirmed(self) -> None:
        self.tallying.settle()

    def parting(self) -> list[NewRecord]:
        return self.tallying.closing()

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        self.warming.expect({number for _, number in partitions})

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        numbers = {number for _, number in partitions}
        self.tallying.forget(numbers)
        self.warming.forget(numbers)

    def close(self) -> None:
        self.reader.close()


def predicted(frame: int, partition: int = 0, found: int = 1, role: str = "live") -> Prediction:
    made = prediction(frame, *[0.9] * found, role=role)
    return made.model_copy(update={"frame": made.frame.model_copy(update={"partition": partition})})


def told(log: Log, partition: int = 0) -> list[Tally]:
    """Every tally of the partition as it lies in the stream."""
    reader = log.reader()
    end = log.bounds(TALLIES.name)[partition].end
    tallies = [TALLIES.decode(record) for record in reader.scan(TALLIES.name, partition, 0, end)]
    reader.close()
    return tallies


def one_pass(log: Log, partition: int = 0) -> tuple[Tally, ...]:
    """What one undisturbed reader of the partition counts."""
    return count(None, partition, _predictions(log, partition))


def as_read(log: Log, partition: int = 0) -> tuple[Tally, ...]:
    """What a reader of the stream finds: the newest tally of each block, and the tail that nobody has told yet."""
    newest_first = sorted(newest(told(log, partition)), key=lambda tally: -tally.up_to)
    last = newest_first[0] if newest_first else None
    return newest([*newest_first, *count(last, partition, _predictions(log, partition))])


def _predictions(log: Log, partition: int) -> list[tuple[int, Prediction]]:
    reader = log.reader()
    end = log.bounds(PREDICTIONS.name)[partition].end
    scanned = [(r.offset, PREDICTIONS.decode(r)) for r in reader.scan(PREDICTIONS.name, partition, 0, end)]
    reader.close()
    return scanned
