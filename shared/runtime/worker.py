"""The worker: the one loop that feeds every service. Six steps, in this order; `docs/delivery.md` numbers them alike.

  1 poll      records of the partitions that are ours
  2 decode    bytes → messages                  invalid → dead letter
  3 handle    the service's work                invalid → dead letter; unavailable → pause, same batch again
  4 publish   outputs, in order, dead letters last
  5 confirm   every output is durable           unavailable → pause, send again what is not
  6 commit    where the group starts again      fenced → drop it, whoever owns it now does it again

Promises: nothing is committed before step 5 is through, dead letters included; so a crash anywhere means redelivery, which
derived ids make harmless. A dependency that is down pauses the loop and keeps the membership; it never ends the process.
"""

import gc
import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from shared.errors import Fenced, InvalidMessage, Unavailable
from shared.ports.log import Consumer, Log, Producer
from shared.runtime.dead_letters import DeadLetterLimit
from shared.runtime.health import DEAD_LETTERS, Health
from shared.runtime.lifecycle import Stop
from shared.runtime.measuring import Measuring
from shared.runtime.retry import Backoff
from shared.runtime.service import Handled, Received, Service
from shared.streams import STREAMS
from shared.streams.dead_letters import DLQ_SUFFIX, Stage, new_dead_letter
from shared.streams.record import NewRecord, Partition, Record
from shared.telemetry import logs, metrics

T = TypeVar("T")
CONFIRM_TIMEOUT_S, CONFIRM_SLICE_S, DRAIN_CONFIRM_S = 60.0, 0.5, 10.0
COLLECT_EVERY = 50_000
"""Objects between two looks of the garbage collector. Messages hold no cycles, and a collector that looks at a batch of them
every 700 objects takes half of the time of decoding (docs/performance.md)."""


class Stopped(Exception):
    """The stop came while a dependency was down: what is in flight stays uncommitted."""


class Worker:
    """Runs one service on one log until `stop` is set."""

    def __init__(self, service: Service, log: Log, stop: Stop, health: Health | None = None) -> None:
        self.service = service
        self.stop = stop
        self.health = health or Health()
        self.producer: Producer = log.producer()
        self._join: Callable[[], Consumer] = partial(log.consumer, service.name, service.reads, self)
        self._consumer: Consumer | None = None
        self.instance = f"{socket.gethostname()}-{os.getpid()}"
        self.positions: dict[Partition, int] = {}
        self.committed: dict[Partition, int] = {}
        self.batch: list[Received] = []
        self.limit = DeadLetterLimit()
        self.backoff = Backoff()
        self.measuring = Measuring(service)
        self.log = logs.get(service=service.name)

    @property
    def consumer(self) -> Consumer:
        """Joins the group when it is first needed: a log that is down at the start is waited for, like any other time."""
        if self._consumer is None:
            self._consumer = self._join()
        return self._consumer

    def run(self) -> None:
        """Loops until the stop, then lets go of everything. Raises what is neither invalid nor unavailable."""
        gc.set_threshold(COLLECT_EVERY)
        try:
            while not self.stop.is_set():
                self.step()
            self.part()
        except Stopped:
            self.log.warning("worker.abandoned", records=len(self.batch))
        finally:
            self.close()

    def step(self) -> None:
        """One round of the six steps."""
        records = self.poll()
        started_s = time.monotonic()
        dead = self.decode(records)
        handled = self.handle()
        self.confirm(self.publish([*handled.outputs, *dead, *self._dead_letters(handled)]))
        self.commit()
        done = len(self.batch) if handled.records is None else handled.records
        self.limit.count(len(dead) + done, len(dead) + len(handled.dead))
        self._measure(records, time.monotonic() - started_s)

    def part(self) -> None:
        """The drain's end: what the service still has to say. A log that is away ends it as Stopped."""
        sent = self.publish(self.service.parting())
        self._patiently(lambda: self._await(sent))

    # 1 ---------------------------------------------------------------------------------------------------------------
    def poll(self) -> Sequence[Record]:
        self.health.tick()
        records = self._patiently(lambda: self.consumer.poll(self.service.poll_timeout_s(), self.measuring.most))
        for record in records:
            self.positions[record.source] = record.offset + 1
        return records

    # 2 ---------------------------------------------------------------------------------------------------------------
    def decode(self, records: Sequence[Record]) -> list[NewRecord]:
        """Fills the batch; returns the dead letters of what no `decode` could read."""
        dead: list[NewRecord] = []
        self.batch = []
        for record in records:
            try:
                self.batch.append(Received(record, STREAMS[record.stream].decode(record)))
            except InvalidMessage as error:
                dead.append(self._dead_letter(record, error, "VALUE_CONVERTER"))
        return dead

    # 3 ---------------------------------------------------------------------------------------------------------------
    def handle(self) -> Handled:
        return self._patiently(lambda: self.service.handle(self.batch))

    # 4 ---------------------------------------------------------------------------------------------------------------
    def publish(self, outputs: Sequence[NewRecord]) -> "list[tuple[NewRecord, Future[Record]]]":
        return [(output, self._patiently(lambda output=output: self.producer.send(output))) for output in outputs]  # type: ignore[misc]

    # 5 ---------------------------------------------------------------------------------------------------------------
    def confirm(self, sent: "list[tuple[NewRecord, Future[Record]]]") -> None:
        """Returns when all of it is durable. From the first failure on it is sent again, which keeps the order."""
        self._patiently(lambda: self._await(sent))
        self._patiently(self.service.confirmed)

    def _await(self, sent: "list[tuple[NewRecord, Future[Record]]]") -> None:
        while sent:
            output, future = sent[0]
            try:
                self._acknowledged(future)
            except InvalidMessage as why:
                instead = self._instead_of(output, why)
                sent[0] = (instead, self.producer.send(instead))
                continue
            except Unavailable as why:
                sent[:] = [(again, self.producer.send(again)) for again, _ in sent]
                raise why
            metrics.OUTPUTS.labels(self.service.name, output.stream).inc()
            del sent[0]

    def _acknowledged(self, future: "Future[Record]") -> None:
        """Returns once it is durable. Looks at the stop now and then: a broker that is away must not outlast the drain."""
        started_s = time.monotonic()
        while True:
            self.health.tick()
            with suppress(TimeoutError):
                future.result(CONFIRM_SLICE_S)
                return
            waited_s = time.monotonic() - started_s
            if self.stop.is_set() and waited_s > DRAIN_CONFIRM_S:
                raise Stopped
            if waited_s > CONFIRM_TIMEOUT_S:
                raise Unavailable("log", f"no acknowledgement within {CONFIRM_TIMEOUT_S:.0f} s")

    def _instead_of(self, output: NewRecord, why: InvalidMessage) -> NewRecord:
        """The log will never take this output (it is too large): its dead letter takes its place, or this one without value."""
        self.log.error("output.refused", stream=output.stream, why=str(why))
        if output.stream.endswith(DLQ_SUFFIX):
            if output.value is None:
                raise why
            return replace(output, value=None)
        never = Record(output.stream, output.partition or 0, -1, 0, output.key, output.value, output.headers)
        return self._dead_letter(never, why, "TASK_PUT")

    # 6 ---------------------------------------------------------------------------------------------------------------
    def commit(self) -> None:
        due = {p: self.service.committable(p, position) for p, position in self.positions.items()}
        due = {p: offset for p, offset in due.items() if offset > self.committed.get(p, -1)}
        if not due:
            return
        try:
            self._patiently(lambda: self.consumer.commit(due))
        except Fenced as why:
            metrics.COMMITS.labels(self.service.name, "fenced").inc()
            self.log.warning("offsets.fenced", why=str(why))
            return
        self.committed.update(due)
        metrics.COMMITS.labels(self.service.name, "ok").inc()
        self.log.debug("offsets.committed", offsets={f"{stream}/{number}": o for (stream, number), o in due.items()})

    # taken and given -------------------------------------------------------------------------------------------------
    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        metrics.REBALANCES.labels(self.service.name, "assigned").inc(len(partitions))
        self.log.info("partitions.assigned", partitions=_names(partitions))
        self.service.on_assigned(partitions)

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """What is in flight of these is dropped uncommitted: their new owner gets it again."""
        metrics.REBALANCES.labels(self.service.name, "revoked").inc(len(partitions))
        self.log.info("partitions.revoked", partitions=_names(partitions), dropped=self._drop(partitions))
        self.service.on_revoked(partitions)
        self.log.info("partitions.revocation_complete", partitions=_names(partitions))

    def _drop(self, partitions: frozenset[Partition]) -> int:
        before = len(self.batch)
        self.batch[:] = [received for received in self.batch if received.record.source not in partitions]
        for partition in partitions:
            self.positions.pop(partition, None)
            self.committed.pop(partition, None)
        return before - len(self.batch)

    # waiting ---------------------------------------------------------------------------------------------------------
    def _patiently(self, step: Callable[[], T]) -> T:
        """Does the step, however long a dependency is down: pause, keep polling, try again with backoff."""
        paused: set[str] = set()
        while True:
            try:
                result = step()
            except Unavailable as why:
                self._pause(why, first=why.dependency not in paused)
                paused.add(why.dependency)
                self._wait(self.backoff.next_s())
            else:
                if paused:
                    self._resume(paused)
                return result

    def _pause(self, why: Unavailable, first: bool) -> None:
        if self._consumer is not None:
            self._consumer.pause()
        metrics.PAUSED.labels(self.service.name, why.dependency).set(1)
        if first:
            metrics.PAUSES.labels(self.service.name, why.dependency).inc()
            self.health.waiting_for(why.dependency)
            self.log.warning("worker.paused", dependency=why.dependency, why=str(why))

    def _resume(self, dependencies: set[str]) -> None:
        self.consumer.resume()
        self.backoff.reset()
        self.health.waiting_for(None)
        for dependency in sorted(dependencies):
            metrics.PAUSED.labels(self.service.name, dependency).set(0)
            self.log.info("worker.resumed", dependency=dependency)

    def _wait(self, seconds: float) -> None:
        """Keeps polling (which keeps the membership) while paused. Raises Stopped when the stop comes."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            if self.stop.is_set():
                raise Stopped
            self.health.tick()
            if not self._polled(min(left_s, 0.25)):
                self.stop.wait(min(left_s, 0.25))

    def _polled(self, seconds: float) -> bool:
        """Not before it has joined: a member that is not paused yet would be given records here, and lose them."""
        if self._consumer is None:
            return False
        try:
            self._consumer.poll(seconds, 1)
        except Unavailable:
            return False
        return True

    # dead letters ----------------------------------------------------------------------------------------------------
    def _dead_letters(self, handled: Handled) -> list[NewRecord]:
        return [self._dead_letter(record, error, "TRANSFORMATION") for record, error in handled.dead]

    def _dead_letter(self, record: Record, error: InvalidMessage, stage: Stage) -> NewRecord:
        metrics.DEAD_LETTERS.labels(self.service.name, record.stream).inc()
        self.log.warning("record.dead", where=record.where, why=str(error))
        return new_dead_letter(record, error, service=self.service.name, instance=self.instance, stage=stage)

    def _measure(self, records: Sequence[Record], seconds: float) -> None:
        self.measuring.batch(records, seconds)
        self.measuring.lag(self.consumer)
        if self.limit.flooded:
            self._halt()

    def _halt(self) -> None:
        """Half of the recent records were poison: stop consuming, stay alive, say so, until somebody looks."""
        metrics.HALTED.labels(self.service.name).set(1)
        self.health.waiting_for(DEAD_LETTERS)
        self.log.error(
            "dead_letters.flood",
            hint="half of the recent records are dead letters; see `gleaner dead-letters`, then restart",
        )
        self.consumer.pause()
        while not self.stop.is_set():
            self._wait(1.0)

    def close(self) -> None:
        """Leaves the group, delivers what was sent, lets the service go; each of them whatever the others say."""
        with ExitStack() as closing:
            closing.callback(self.log.info, "worker.closed")
            closing.callback(self.service.close)
            closing.callback(self.producer.close)
            if self._consumer is not None:
                closing.callback(self._consumer.close)


def _names(partitions: frozenset[Partition]) -> list[str]:
    return sorted(f"{stream}/{number}" for stream, number in partitions)
