"""The log's producer on Kafka: idempotent, acks=all, bounded in bytes and in time.

Promises: one frame per record batch, so that reading one frame back moves one frame (KAFKA.md 2); JSON is batched.
Order is kept per partition, because each stream always takes the same lane and a lane retries idempotently.
"""

import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from kafka.producer.transaction_manager import TransactionState
from kafka.serializer import Serializer

from shared.adapters.cluster.byte_gate import ByteGate, time_left_s
from shared.adapters.cluster.kafka_cluster import LOG, KafkaCluster, log_errors, unavailable
from shared.adapters.cluster.kafka_topics import KafkaTopics
from shared.errors import GleanerError, InvalidMessage, Unavailable
from shared.streams import FRAMES, STREAMS
from shared.streams.record import NewRecord, Record

RECORD_OVERHEAD_BYTES = 128
CLOSING_S = 2.0
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class _Nothing(Serializer):  # type: ignore[misc]  # kafka-python has no types
    """Lets a record through that has neither key nor value: the client refuses it before it serializes."""

    def serialize(self, topic: str, headers: object, data: object) -> object:
        return None if data is NOTHING else data


NOTHING = object()
_EVERY_LANE = {
    "value_serializer": _Nothing(),
    "acks": "all",
    "enable_idempotence": True,
    "compression_type": None,
    "delivery_timeout_ms": 30_000,
    "allow_auto_create_topics": False,
    "metadata_max_age_ms": 60_000,
}
FRAMING_BYTES = 512
"""What Kafka adds to a record that travels alone, amply."""
_FRAMES_LANE = {"batch_size": 16_384, "linger_ms": 0, "max_request_size": FRAMES.max_message_bytes}
_JSON_LANE = {"batch_size": 262_144, "linger_ms": 10, "max_request_size": FRAMES.max_message_bytes}


class GatedProducer:
    """Two lanes, one for frames and one for JSON, behind one gate of bytes."""

    def __init__(self, cluster: KafkaCluster, topics: KafkaTopics, max_in_flight_bytes: int, timeout_s: float) -> None:
        self._cluster = cluster
        self._topics = topics
        self._timeout_s = timeout_s
        self._gate = ByteGate(max_in_flight_bytes)
        block_ms = int(min(5.0, timeout_s) * 1000)
        self._frames = Lane(cluster, {**_EVERY_LANE, **_FRAMES_LANE, "max_block_ms": block_ms})
        self._json = Lane(cluster, {**_EVERY_LANE, **_JSON_LANE, "max_block_ms": block_ms})

    def send(self, record: NewRecord) -> Future[Record]:
        size = _size(record)
        if not self._gate.enter(size, self._timeout_s):
            raise Unavailable(LOG, f"{self._gate.bytes_in_flight:,} bytes are in flight since {self._timeout_s} s")
        stored: Future[Record] = Future()
        stored.set_running_or_notify_cancel()  # it is on its way: nobody can take it back
        stored.add_done_callback(lambda _: self._gate.leave(size))
        try:
            self._hand_over(record, stored)
        except (GleanerError, KafkaError, ValueError) as error:
            stored.set_exception(self._meaning(error, record))
        return stored

    def flush(self, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        for lane in (self._frames, self._json):
            lane.hurry(time_left_s(deadline_s))
        if not self._gate.wait_until_empty(time_left_s(deadline_s)):
            raise Unavailable(LOG, f"{self._gate.records_in_flight} records are not stored after {timeout_s} s")

    def close(self) -> None:
        with suppress(Unavailable):
            self.flush(CLOSING_S)
        self._frames.close()
        self._json.close()

    def _hand_over(self, record: NewRecord, stored: Future[Record]) -> None:
        _refuse_too_large(record)
        lane = self._frames if record.stream == FRAMES.name else self._json
        sent = lane.producer().send(
            self._cluster.topic(record.stream),
            value=NOTHING if record.value is None else record.value,
            key=record.key,
            headers=list(record.headers),
            partition=record.partition,
        )
        sent.add_callback(lambda metadata: stored.set_result(_stored(record, metadata)))
        sent.add_errback(lambda error: stored.set_exception(self._meaning(error, record)))

    def _meaning(self, error: Exception, record: NewRecord) -> GleanerError:
        """Never works, or try again? A partition that the broker knows and we do not yet is worth another try."""
        if isinstance(error, GleanerError):
            return error
        if isinstance(error, _TOO_LARGE):
            return InvalidMessage(
                f"record for {record.stream} has {_size(record):,} bytes, more than is taken: {error}"
            )
        if isinstance(error, ValueError) and not self._broker_knows(record):
            return InvalidMessage(f"record for {record.stream}/{record.partition} cannot be stored: {error}")
        return unavailable(f"storing a record in {record.stream}", error)

    def _broker_knows(self, record: NewRecord) -> bool:
        if record.partition is None or record.partition < 0:
            return False
        try:
            return record.partition < self._topics.partitions(record.stream)
        except Unavailable:
            return True


def _refuse_too_large(record: NewRecord) -> None:
    """Here and not at the broker, which refuses a whole batch, and with it records that only travelled along."""
    stream = STREAMS.get(record.stream)
    most = FRAMES.max_message_bytes if stream is None else stream.max_message_bytes
    if (size := _size(record) + FRAMING_BYTES) > most:
        raise InvalidMessage(f"record for {record.stream} has {size:,} bytes, more than the {most:,} that are taken")


class Lane:
    """One KafkaProducer, made when it is first needed, and made anew when it can never send again."""

    def __init__(self, cluster: KafkaCluster, settings: dict[str, object]) -> None:
        self._cluster = cluster
        self._settings = settings
        self._lock = threading.Lock()
        self._producer: KafkaProducer | None = None
        self._closed = False

    def producer(self) -> KafkaProducer:
        """Raises Unavailable when no broker answers, or after `close`."""
        with self._lock:
            if self._closed:
                raise Unavailable(LOG, "this producer is closed")
            if self._producer is not None and _is_beyond_help(self._producer):
                _let_go(self._producer)
                self._producer = None
            if self._producer is None:
                with log_errors("connecting a producer"):
                    self._producer = KafkaProducer(**self._cluster.settings(**self._settings))
            return self._producer

    def hurry(self, timeout_s: float) -> None:
        """Sends what lingers, and waits for it. What fails or is late shows in its future, not here."""
        producer = self._producer
        if producer is not None and self._settings["linger_ms"]:
            with suppress(KafkaError):
                producer.flush(timeout_s)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._producer is not None:
                _let_go(self._producer)
                self._producer = None


def _is_beyond_help(producer: KafkaProducer) -> bool:
    """A fatal state (fenced, not allowed an id) or a dead sender thread stays for ever; an epoch that was bumped does not.

    So does the loss of its id: kafka-python 3.0.12 gives it up when a record that was sent expires, and asks for none again.
    """
    transactions = producer._transaction_manager
    if not producer._sender.is_alive():
        return True
    return transactions is not None and (transactions.has_fatal_error() or _lost_its_id(transactions))


def _lost_its_id(transactions: Any) -> bool:
    return transactions._current_state is TransactionState.READY and not transactions.has_producer_id()


def _let_go(producer: KafkaProducer) -> None:
    """Closes at once. `close` alone raises while records are in flight and then leaves the sender running for good."""
    if producer._accumulator.has_incomplete:
        producer._sender.force_close()  # fails what is in flight, so that its futures tell
        producer._sender.join(CLOSING_S)
    with suppress(KafkaError):
        producer.close(timeout=CLOSING_S)


def _size(record: NewRecord) -> int:
    parts = (record.key, record.value, *(part for header in record.headers for part in header))
    return RECORD_OVERHEAD_BYTES + sum(len(part) for part in parts if part is not None)


def _stored(record: NewRecord, metadata: Any) -> Record:
    where = (metadata.partition, metadata.offset, metadata.timestamp)
    return Record(record.stream, *where, record.key, record.value, record.headers)
