"""Tallies on a real Kafka: samplers join, are killed and drain while predictions flow, some of them twice. The counts are those
of one undisturbed pass.

Each member is a process of its own: the worker, with a service that does nothing but tally.
"""

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.adapters.cluster.kafka_log import KafkaLog
from shared.runtime.lifecycle import Stop
from shared.runtime.worker import Worker
from shared.streams.predictions import new_prediction
from shared.streams.record import NewRecord, Partition
from shared.streams.tallies import BLOCK, Tally, newest
from tests.servers import Servers
from tests.unit.services.sampler.counting import Counting, as_read, one_pass, predicted, told

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PARTITIONS = 2
SESSION_S = 6.0  # the shortest that a broker takes by default
SETTLED_S = 60.0


class Member:
    """One process, and the file in which it says what it owns."""

    def __init__(self, address: str, prefix: str, file: Path) -> None:
        self._file = file
        command = "import sys; from tests.integration.test_tallies import member; member(*sys.argv[1:])"
        self.process = subprocess.Popen([sys.executable, "-c", command, address, prefix, str(file)])

    def owns(self) -> set[int]:
        return set(map(int, self._file.read_text().split())) if self._file.exists() else set()

    def drain(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def test_whoever_wrote_them_the_counts_are_those_of_one_pass(servers: Servers, tmp_path: Path) -> None:
    prefix = f"tallies-{time.time_ns()}."
    log = KafkaLog(servers.kafka.address, prefix)
    log.apply(PARTITIONS)
    members: list[Member] = []
    flow = _flow(log)

    def join() -> Member:
        members.append(Member(servers.kafka.address, prefix, tmp_path / f"member-{len(members)}"))
        return members[-1]

    try:
        first = join()
        next(flow)
        _until(lambda: first.owns() == {0, 1} and bool(_committed(log)), "the first member tallies both partitions")
        second = join()
        next(flow)
        _until(lambda: {*first.owns()} ^ {*second.owns()} == {0, 1}, "two members share")
        next(flow)
        second.kill()
        next(flow)
        _until(lambda: first.owns() == {0, 1}, "the first took over what the dead one held")
        third = join()
        next(flow)
        _until(lambda: {*first.owns()} ^ {*third.owns()} == {0, 1}, "two members share again")
        first.drain()
        next(flow)
        _until(lambda: third.owns() == {0, 1}, "the last member owns both")
        next(flow)
        _until(lambda: _committed(log) == _ends(log), "everything is committed")
        third.drain()
        for partition in range(PARTITIONS):
            written = told(log, partition)
            assert newest(written) == as_read(log, partition) == one_pass(log, partition)
            assert len({tally.block for tally in written}) == _ends(log)[partition] // BLOCK + 1 > 4
            assert _told_differently(written) == []
    finally:
        for each in members:
            each.kill()
        log.close()


def _told_differently(written: list[Tally]) -> list[tuple[int, int]]:
    """Blocks of which two tallies that reach equally far are not the same bytes."""
    places = itertools.groupby(sorted(written, key=_place), _place)
    return [place for place, same in places if len({tally.to_bytes() for tally in same}) > 1]


def _place(tally: Tally) -> tuple[int, int]:
    return tally.block, tally.up_to


def _flow(log: KafkaLog) -> Iterator[None]:
    """Each time some hundred predictions more in every partition: new ones, and a stretch of the last ones again."""
    producer, met = log.producer(), 0
    while True:
        frames = [*range(met, met + 700), *range(max(0, met - 50), met + 50)]
        met += 700
        for partition, frame in itertools.product(range(PARTITIONS), frames):
            role = "shadow" if frame % 10 == 0 else "live"
            producer.send(new_prediction(predicted(frame, partition, found=frame % 3, role=role)))
        producer.flush(30)
        yield


def _committed(log: KafkaLog) -> dict[int, int]:
    return dict(log.committed("counting", "predictions"))


def _ends(log: KafkaLog) -> dict[int, int]:
    return {number: bounds.end for number, bounds in log.bounds("predictions").items()}


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + SETTLED_S
    while not condition():
        assert time.monotonic() < deadline_s, f"expected within {SETTLED_S} s: {what}"
        threading.Event().wait(0.1)


class Noting(Counting):
    """Says in a file which partitions it owns."""

    file: Path

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        super().on_assigned(partitions)
        self._note(self._owned() | {number for _, number in partitions})

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        super().on_revoked(partitions)
        self._note(self._owned() - {number for _, number in partitions})

    def parting(self) -> list[NewRecord]:
        self._note(set())
        return super().parting()

    def _owned(self) -> set[int]:
        return set(map(int, self.file.read_text().split())) if self.file.exists() else set()

    def _note(self, owned: set[int]) -> None:
        beside = self.file.with_suffix(".new")
        beside.write_text(" ".join(map(str, sorted(owned))))
        beside.replace(self.file)


def member(address: str, prefix: str, file: str) -> None:
    """The process: tallies until SIGTERM, then drains."""
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    log = KafkaLog(address, prefix, session_timeout_s=SESSION_S)
    service = Noting(log)
    service.file = Path(file)
    Worker(service, log, stop).run()
    log.close()
