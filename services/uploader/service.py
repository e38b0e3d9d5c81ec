"""The uploader's service: takes samples in, delivers what is due, hands out receipts, tidies up behind them.

Promises: attempt noted → host called → acknowledgement → receipt durable → done → image deleted, in this order, each step a
method. A crash after any of them loses nothing and sends nothing twice to a host that can be asked or deduplicates.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for
from typing import ClassVar

from services.uploader.annotations import annotate
from services.uploader.config import UploaderConfig
from services.uploader.courier import End, Errand
from services.uploader.destinations import Blocked, NotNow, Refused, open_destination
from services.uploader.lane import Lane
from services.uploader.outbox import Outbox, Pair
from services.uploader.schedule import backoff_s
from shared.errors import InvalidMessage, Unavailable
from shared.ports.clock import Clock
from shared.ports.images import Images
from shared.ports.log import Log, Reader
from shared.runtime.service import Handled, Received, Service
from shared.streams import SAMPLES, UPLOADS
from shared.streams.record import Partition, Record
from shared.streams.samples import Sample
from shared.streams.stream import rfc3339
from shared.streams.uploads import ACKNOWLEDGED, Receipt, new_receipt
from shared.telemetry import logs, metrics

MOST_ENDS = 64
"""Receipts that one call hands out at most, about."""
DELIVER_S = 2.0
"""How long one call goes on delivering, about; what is under way then goes on between calls."""
LINGER_S = 0.1
"""How long receipts wait for company."""
BUSY_POLL_S = 0.05
IDLE_POLL_S = 0.5
_MOST_DETAIL = 2000
_DELIVERED = ACKNOWLEDGED | {"uncertain"}
_log = logs.get()


class UploaderService(Service):
    name: ClassVar[str] = "uploader"
    reads: ClassVar[tuple[str, ...]] = (SAMPLES.name,)

    def __init__(self, config: UploaderConfig, log: Log, images: Images, clock: Clock) -> None:
        self._log, self._images, self._clock = log, images, clock
        self._outbox = Outbox(config.outbox_path)
        opened = [open_destination(options, config.timezone) for options in config.destinations]
        self._lanes = {one.name: Lane(one, images, config.uploader.parallel) for one in opened}
        self._reader: Reader | None = None
        self._ends: dict[tuple[str, str, str], tuple[int, Receipt]] = {}  # not yet known to be durable
        self._mine: set[int] = set()
        self._new: set[int] = set()
        self._gone: set[int] = set()
        self._certain_from: dict[int, int] = {}  # what lies before may have been attempted by a former owner
        self._recalled: set[int] = set()

    # What the worker calls

    def handle(self, batch: Sequence[Received]) -> Handled:
        self.give_up()
        self.take_over()
        self.take_in(batch)
        self.withdraw()
        self.deliver()
        self.tidy()
        return Handled(outputs=[new_receipt(receipt, partition) for partition, receipt in self._ends.values()])

    def confirmed(self) -> None:
        self.mark_done()
        self.delete_images()

    def committable(self, partition: Partition, position: int) -> int:
        oldest = None if partition[1] in self._new else self._outbox.oldest(partition[1])
        return position if oldest is None else min(position, oldest)

    def poll_timeout_s(self) -> float:
        return min((self._idle_s(lane) for lane in self._lanes.values()), default=IDLE_POLL_S)

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        numbers = {number for _, number in partitions}
        self._mine |= numbers
        self._new |= numbers

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        numbers = {number for _, number in partitions}
        self._mine -= numbers
        self._new -= numbers
        self._gone |= numbers

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()
        if self._reader is not None:
            self._reader.close()
        self._outbox.close()

    # Partitions come and go

    def give_up(self) -> None:
        """Forgets what is somebody else's now; its new owner asks before it sends."""
        for partition in self._gone:
            self._outbox.forget(partition)
            self._ends = {key: end for key, end in self._ends.items() if end[0] != partition}
        self._gone.clear()

    def take_over(self) -> None:
        """Learns every receipt of a new partition. Whatever else lies in it until now may have been attempted."""
        for partition in sorted(self._new):
            certain_from = self._log.bounds(SAMPLES.name)[partition].end
            self._outbox.take_over(partition, self._receipts(partition))
            self._certain_from[partition] = certain_from
            self._recalled.discard(partition)
            self._new.discard(partition)

    def _receipts(self, partition: int) -> Iterator[Receipt]:
        for record in self._scan(UPLOADS.name, partition):
            try:
                yield UPLOADS.decode(record)
            except InvalidMessage as error:
                _log.warning("receipt.unreadable", where=record.where, why=str(error))

    def _scan(self, stream: str, partition: int) -> Iterator[Record]:
        self._reader = self._reader or self._log.reader()
        bounds = self._log.bounds(stream).get(partition)
        return self._reader.scan(stream, partition, bounds.start, bounds.end) if bounds else iter(())

    # Samples come in

    def take_in(self, batch: Sequence[Received]) -> None:
        """What has no receipt becomes an open delivery, in the outbox."""
        ours = [received for received in batch if received.record.partition in self._mine]
        self._outbox.add((one.record, one.message, self._uncertain(one.record)) for one in ours)

    def _uncertain(self, record: Record) -> bool:
        return record.offset < self._certain_from[record.partition]

    # Deliveries go out

    def withdraw(self) -> None:
        """Deliveries to a destination that the settings no longer name end here."""
        for name in set(self._outbox.destinations()) - set(self._lanes):
            for pair in self._outbox.due(name, self._clock.now_ms(), MOST_ENDS):
                self._end(pair, End("withdrawn", detail=f"the settings name no destination {name}"))

    def deliver(self) -> None:
        """Keeps every lane full, until there are enough receipts or the time is over."""
        deadline_s = self._clock.monotonic_s() + DELIVER_S
        while len(self._ends) < MOST_ENDS:
            errands = self.errands_due()
            self.note_attempts(errands)
            self.send(errands)
            left_s = deadline_s - self._clock.monotonic_s()
            if not self.collect(min(left_s, LINGER_S) if self._ends else left_s):
                return

    def errands_due(self) -> list[Errand]:
        """The most valuable deliveries for which their lanes have room, each with everything that an attempt needs."""
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic_s()
        ended = {(sample_id, destination) for sample_id, destination, _ in self._ends}
        errands = []
        for lane in self._lanes.values():
            room = lane.room(now_s)
            pairs = self._outbox.due(lane.name, now_ms, room, lane.busy() | ended) if room else []
            errands += [self._errand(pair) for pair in pairs]
        return errands

    def _errand(self, pair: Pair) -> Errand:
        sample = self._outbox.sample(pair)
        self._recall(pair, sample)
        size_px = self._outbox.size_px(pair.sample_id)
        annotation = annotate(sample.prediction, self._outbox.revisions(pair.sample_id), size_px)
        return Errand(pair, sample, annotation, self._outbox.host_id(pair.sample_id, pair.destination))

    def _recall(self, pair: Pair, sample: Sample) -> None:
        """Reads a partition's earlier samples back, once, when an annotation is to be made of some that we never saw.

        A receipt speaks of such a revision; or a verdict comes without its image, whose size an earlier sample knows.
        """
        if pair.partition in self._recalled:
            return
        if sample.image is None or self._outbox.lacks_revisions(pair.sample_id):
            self._outbox.recall(self._earlier_samples(pair.partition))
            self._recalled.add(pair.partition)

    def _earlier_samples(self, partition: int) -> Iterator[tuple[Record, Sample]]:
        for record in self._scan(SAMPLES.name, partition):
            try:
                sample: Sample = SAMPLES.decode(record)
            except InvalidMessage:  # the worker has made, or will make, a dead letter of it
                continue
            if record.offset < self._certain_from[partition]:
                yield record, sample

    def note_attempts(self, errands: Iterable[Errand]) -> None:
        self._outbox.note(errand.pair for errand in errands)

    def send(self, errands: Iterable[Errand]) -> None:
        for errand in errands:
            self._lanes[errand.pair.destination].start(errand)

    def collect(self, wait_s: float) -> bool:
        """Waits for the next ends and takes them. False when nothing ended in that time."""
        futures = [future for lane in self._lanes.values() for future in lane.under_way]
        if not wait_for(futures, max(0.0, wait_s), return_when=FIRST_COMPLETED).done:
            return False
        unavailable: list[Unavailable] = []
        for lane in self._lanes.values():
            for errand, future in lane.finished():
                unavailable += self._take(lane, errand, future)
        if unavailable:
            raise unavailable[0]
        return True

    def _take(self, lane: Lane, errand: Errand, future: "Future[End]") -> list[Unavailable]:
        """What an attempt came to: an end, another try, or (returned) trouble that is ours and not the host's."""
        try:
            end = future.result()
        except Refused as error:
            lane.breaker.succeeded()
            self._end(errand.pair, End("dead_lettered", detail=str(error)))
        except Blocked as error:
            self._pause(lane, error)
        except NotNow as error:
            self._try_again(lane, errand.pair, error)
        except Unavailable as error:
            return [error]
        else:
            lane.breaker.succeeded()
            self._end(errand.pair, end)
        return []

    def _end(self, pair: Pair, end: End) -> None:
        if pair.partition not in self._mine or pair.partition in self._gone | self._new:
            return  # somebody else's now: they ask the host
        if end.outcome is None:
            self._outbox.drop(pair)
            return
        receipt = Receipt(
            sample_id=pair.sample_id,
            destination=pair.destination,
            revision=pair.revision,
            outcome=end.outcome,
            host_id=end.host_id,
            detail=end.detail and end.detail[:_MOST_DETAIL],
            attempts=0 if end.outcome == "withdrawn" else pair.attempts + 1,
            delivered_at=rfc3339(self._clock.now_ms()),
        )
        self._ends[pair.key] = (pair.partition, receipt)
        metrics.DELIVERIES.labels(pair.destination, end.outcome).inc()
        level = _log.warning if end.outcome == "dead_lettered" else _log.debug
        level(
            "delivery.ended",
            sample_id=pair.sample_id,
            destination=pair.destination,
            outcome=end.outcome,
            detail=end.detail,
        )

    def _pause(self, lane: Lane, error: Blocked) -> None:
        lane.breaker.blocked(self._clock.monotonic_s())
        _log.error(
            "destination.paused", destination=lane.name, why=str(error), hint="nothing is lost; tried every 5 minutes"
        )

    def _try_again(self, lane: Lane, pair: Pair, error: NotNow) -> None:
        metrics.DELIVERIES.labels(lane.name, "failed").inc()
        tripped = lane.breaker.tripped
        lane.breaker.failed(self._clock.monotonic_s(), lane.name, error.retry_after_s)
        wait_s = max(backoff_s(pair.attempts + 1, *pair.key), error.retry_after_s or 0.0)
        self._outbox.postpone(pair, self._clock.now_ms() + int(wait_s * 1000))
        _log.info(
            "delivery.postponed",
            sample_id=pair.sample_id,
            destination=lane.name,
            wait_s=round(wait_s, 1),
            why=str(error),
        )
        if lane.breaker.tripped and not tripped:
            _log.warning("destination.unreachable", destination=lane.name, why=str(error))

    def tidy(self) -> None:
        metrics.OUTBOX.set(self._outbox.open_pairs())
        now_s = self._clock.monotonic_s()
        for lane in self._lanes.values():
            lane.tidy(idle=not lane.under_way and self._wait_s(lane, now_s) > 0)

    # Receipts are durable

    def mark_done(self) -> None:
        self._outbox.settle(self._ends.values())
        self._ends.clear()

    def delete_images(self) -> None:
        """Of samples that every destination has; also of those that the sampler put back. Sidecar first, previews stay."""
        for sample in self._outbox.finished():
            if self._all_have(sample):
                self._delete_image(sample)
            self._outbox.remove(sample.sample_id)

    def _all_have(self, sample: Sample) -> bool:
        """Refused or withdrawn everywhere, nobody has it: then it stays, for a person to decide."""
        outcomes = self._outbox.outcomes(sample.sample_id)
        links = any(name in self._lanes and self._lanes[name].destination.links for name in sample.destinations)
        return not links and outcomes <= _DELIVERED | {"withdrawn"} and bool(outcomes & _DELIVERED)

    def _delete_image(self, sample: Sample) -> None:
        if sample.image is not None:
            self._images.delete(sample.image.sidecar_key)
            self._images.delete(sample.image.key)

    # How long to wait

    def _idle_s(self, lane: Lane) -> float:
        wait_s = self._wait_s(lane, self._clock.monotonic_s())
        return min(BUSY_POLL_S, wait_s) if lane.under_way else wait_s

    def _wait_s(self, lane: Lane, now_s: float) -> float:
        """How long until something is due in a lane, at most IDLE_POLL_S."""
        next_at_ms = self._outbox.next_at_ms(lane.name)
        if next_at_ms is None:
            return IDLE_POLL_S
        due_s = (next_at_ms - self._clock.now_ms()) / 1000
        return min(IDLE_POLL_S, max(0.0, due_s, lane.breaker.closed_until_s - now_s))
