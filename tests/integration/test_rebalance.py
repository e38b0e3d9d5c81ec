"""Members of one group that join, leave and are killed while records flow: nothing is missing, and only what was not
committed comes twice.

Each member is a process of its own that writes what happens to it, with the time, into a file (`member` below).
"""

import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest

from shared.adapters.cluster.kafka_log import KafkaLog
from shared.errors import Fenced
from shared.streams.record import NewRecord, Partition, Record
from tests.servers import Servers

pytestmark = [pytest.mark.servers, pytest.mark.slow]

STREAM, GROUP = "verdicts", "members"
PARTITIONS = 6
SESSION_S = 6.0  # the shortest that a broker takes by default
SETTLED_S = 40.0
RECORDS_PER_S = 150


@dataclass(frozen=True)
class Event:
    """One line of a member's file: read P O, committed P NEXT, assigned P.., revoked P.., fenced P.."""

    time_ns: int
    what: str
    numbers: tuple[int, ...]


class Member:
    """One process, and the file it writes."""

    def __init__(self, address: str, prefix: str, file: Path, poll_s: float, work_s: float) -> None:
        self._file = file
        command = "import sys; from tests.integration.test_rebalance import member; member(*sys.argv[1:])"
        given = (address, prefix, str(file), str(poll_s), str(work_s))
        self.process = subprocess.Popen([sys.executable, "-c", command, *given])

    def events(self) -> list[Event]:
        lines = self._file.read_text().splitlines(keepends=True) if self._file.exists() else []
        parts = [line.split() for line in lines if line.endswith("\n")]
        return [Event(int(at), what, tuple(map(int, rest))) for at, what, *rest in parts]

    def owns(self) -> set[int]:
        mine: set[int] = set()
        for event in self.events():
            if event.what == "assigned":
                mine |= set(event.numbers)
            elif event.what == "revoked":
                mine -= set(event.numbers)
        return mine

    def leave(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize(("poll_s", "work_s"), [(0.2, 0.01), (0.002, 0.5)])
def test_members_join_leave_and_die(servers: Servers, tmp_path: Path, poll_s: float, work_s: float) -> None:
    """Also when they poll briefly and work long in between: the client gives up a join that ends between two polls."""
    prefix = f"rebalance-{time.time_ns()}."
    log = KafkaLog(servers.kafka.address, prefix)
    log.apply(PARTITIONS)
    members: list[Member] = []

    def join() -> Member:
        members.append(Member(servers.kafka.address, prefix, tmp_path / f"member-{len(members)}", poll_s, work_s))
        return members[-1]

    try:
        with _producing(log):
            first = join()
            _until(lambda: _shares([first]) == [6], "the first member owns everything")
            second, third = join(), join()
            _until(lambda: _shares([first, second, third]) == [2, 2, 2], "three members share")
            second.leave()
            _until(lambda: _shares([first, third]) == [3, 3], "two share what the third left")
            third.kill()
            _until(lambda: _shares([first]) == [6], "the last one took over what the dead one held")
        ends = {number: bounds.end for number, bounds in log.bounds(STREAM).items()}
        _until(lambda: dict(log.committed(GROUP, STREAM)) == ends, "everything is committed")
        first.leave()
    finally:
        for each in members:
            each.kill()
        log.close()

    events = sorted((event for each in members for event in each.events()), key=lambda event: event.time_ns)
    assert _missing(events, ends) == []
    assert _again_after_commit(events) == []


def _shares(members: list[Member]) -> list[int]:
    """How many partitions each owns; nobody shares one."""
    owned = [each.owns() for each in members]
    together = set().union(*owned)
    return [len(own) for own in owned] if len(together) == sum(map(len, owned)) == PARTITIONS else []


def _missing(events: list[Event], ends: dict[int, int]) -> list[tuple[int, ...]]:
    seen = {event.numbers for event in events if event.what == "read"}
    return sorted({(number, offset) for number, end in ends.items() for offset in range(end)} - seen)


def _again_after_commit(events: list[Event]) -> list[Event]:
    """What was read although the group had committed past it before."""
    committed: dict[int, int] = defaultdict(int)
    found = []
    for event in events:
        if event.what == "committed":
            committed[event.numbers[0]] = max(committed[event.numbers[0]], event.numbers[1])
        elif event.what == "read" and event.numbers[1] < committed[event.numbers[0]]:
            found.append(event)
    return found


@contextmanager
def _producing(log: KafkaLog) -> Iterator[None]:
    """Records flow into every partition until the end of the block; all of them are stored."""
    producer, stop = log.producer(), threading.Event()
    futures: list[Future[Record]] = []

    def produce() -> None:
        while not stop.wait(1 / RECORDS_PER_S):
            futures.append(producer.send(NewRecord(STREAM, b"key", b"value", len(futures) % PARTITIONS)))

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        producer.flush(30)
        producer.close()
    assert all(future.exception() is None for future in futures)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + SETTLED_S
    while not condition():
        assert time.monotonic() < deadline_s, f"expected within {SETTLED_S} s: {what}"
        threading.Event().wait(0.1)


def member(address: str, prefix: str, file: str, poll_s: str, work_s: str) -> None:
    """The process: reads and commits until SIGTERM, then leaves."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Path(file).open("a", buffering=1) as notes:
        log = KafkaLog(address, prefix, session_timeout_s=SESSION_S)
        consumer = log.consumer(GROUP, [STREAM], Noting(notes))
        due: dict[Partition, int] = {}
        while not stop.wait(float(work_s)):
            for record in consumer.poll(float(poll_s), 500):
                _note(notes, "read", record.partition, record.offset)
                due[record.source] = record.offset + 1
            try:
                consumer.commit(due)
            except Fenced:
                _note(notes, "fenced", *(number for _, number in due))
                due = {at: offset for at, offset in due.items() if at in consumer.assignment()}
                continue
            for (_, number), offset in due.items():
                _note(notes, "committed", number, offset)
            due = {}
        consumer.close()
        log.close()


class Noting:
    """A listener that writes what it is told."""

    def __init__(self, notes: TextIO) -> None:
        self._notes = notes

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        _note(self._notes, "assigned", *(number for _, number in partitions))

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        _note(self._notes, "revoked", *(number for _, number in partitions))


def _note(notes: TextIO, what: str, *numbers: int) -> None:
    notes.write(" ".join(map(str, (time.monotonic_ns(), what, *numbers))) + "\n")
