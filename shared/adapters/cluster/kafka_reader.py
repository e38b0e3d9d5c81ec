"""Random access on Kafka: exactly one record by its coordinates, and plain ranges in order.

Promises: a read moves one record batch and nothing else (byte limits of 1: the broker must still send the first batch,
KIP-74), no group is involved, and another record than the wanted one is never returned.
"""

import time
from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import OffsetOutOfRangeError

from shared.adapters.cluster.kafka_cluster import CALL_TIMEOUT_MS, KafkaCluster, log_errors, unavailable
from shared.adapters.cluster.kafka_topics import KafkaTopics
from shared.errors import Expired, NeverWritten
from shared.ports.log import Bounds
from shared.streams.record import Record

WAIT_MS = 250
SCAN_RECORDS = 500
_ALONE = {"group_id": None, "enable_auto_commit": False, "auto_offset_reset": "none", "allow_auto_create_topics": False}
_ONE_BATCH = {"max_partition_fetch_bytes": 1, "fetch_max_bytes": 1, "fetch_max_wait_ms": 100}
_BULK = {"max_partition_fetch_bytes": 4_194_304, "fetch_max_bytes": 33_554_432, "fetch_max_wait_ms": 100}
_SCANNING = {**_ALONE, "auto_offset_reset": "earliest", **_BULK}


class RandomReader:
    """A group-less consumer that is assigned one partition at a time. For one thread."""

    def __init__(self, cluster: KafkaCluster, topics: KafkaTopics) -> None:
        self._cluster = cluster
        self._topics = topics
        self._kafka: KafkaConsumer | None = None
        self._assigned: TopicPartition | None = None
        self._scanner: KafkaConsumer | None = None
        self._closed = False

    def read(self, stream: str, partition: int, offset: int) -> Record:
        at = self._cluster.physical((stream, partition))
        with log_errors(f"reading {stream}/{partition}@{offset}"):
            consumer = self._placed(at, stream, offset)
            try:
                raw = self._fetch(consumer, at, stream, offset)
            except OffsetOutOfRangeError:
                self._raise_gone(stream, partition, offset)
        if raw is None or raw.offset != offset:
            raise Expired(f"{stream}/{partition}@{offset} was written and is gone; what follows it is there")
        return self._cluster.record(raw)

    def scan(self, stream: str, partition: int, start: int, end: int) -> Iterator[Record]:
        bounds = self._topics.partition_bounds(stream, partition)
        if bounds is None:
            return iter(())
        return self._scan(stream, partition, max(start, bounds.start), min(end, bounds.end))

    def close(self) -> None:
        self._closed = True
        for consumer in (self._kafka, self._scanner):
            if consumer is not None:
                consumer.close(autocommit=False)
        self._kafka = self._scanner = None

    def _placed(self, at: TopicPartition, stream: str, offset: int) -> KafkaConsumer:
        """The consumer, its one partition assigned, its position on the wanted record."""
        if self._kafka is None:
            self._kafka = KafkaConsumer(**self._cluster.settings(**_ALONE, **_ONE_BATCH))
        if self._assigned != at:
            self._need_partition(stream, at.partition)
            self._kafka.assign([at])
            self._assigned = at
        self._kafka.seek(at, offset)
        return self._kafka

    def _fetch(self, consumer: KafkaConsumer, at: TopicPartition, stream: str, offset: int) -> ConsumerRecord | None:
        """The first record at or after the offset; None when only markers of transactions follow it."""
        deadline_s = time.monotonic() + CALL_TIMEOUT_MS / 1000
        while time.monotonic() < deadline_s:
            records = consumer.poll(timeout_ms=WAIT_MS, max_records=1).get(at)
            if records:
                return records[0]
            self._need_written(stream, at.partition, offset)
            if (consumer.position(at, timeout_ms=WAIT_MS) or 0) > offset:
                return None
        raise unavailable(
            f"reading {stream}/{at.partition}@{offset}", TimeoutError(f"no answer in {CALL_TIMEOUT_MS} ms")
        )

    def _need_partition(self, stream: str, partition: int) -> None:
        if partition >= self._topics.partitions(stream):
            raise NeverWritten(f"{stream}/{partition} does not exist, so nothing was ever written there")

    def _need_written(self, stream: str, partition: int, offset: int) -> None:
        bounds = self._topics.partition_bounds(stream, partition)
        if bounds is None or offset >= bounds.end:
            raise NeverWritten(f"{stream}/{partition}@{offset} was never written: {_said(bounds)}")

    def _raise_gone(self, stream: str, partition: int, offset: int) -> None:
        self._need_written(stream, partition, offset)
        raise Expired(f"{stream}/{partition}@{offset} was written and is gone: retention has passed it")

    def _scan(self, stream: str, partition: int, start: int, end: int) -> Iterator[Record]:
        """A consumer of its own, so that scans and reads do not disturb each other; kept for the next scan: it costs 0.3 s."""
        if start >= end:
            return
        at = self._cluster.physical((stream, partition))
        with log_errors(f"scanning {stream}/{partition}"):
            consumer, self._scanner = self._scanner or KafkaConsumer(**self._cluster.settings(**_SCANNING)), None
        try:
            consumer.assign([at])
            consumer.seek(at, start)
            yield from self._range(consumer, at, end)
        except Exception:
            consumer.close(autocommit=False)
            raise
        except GeneratorExit:  # the caller has read enough
            self._keep(consumer)
            raise
        self._keep(consumer)

    def _keep(self, consumer: KafkaConsumer) -> None:
        """For the next scan, unless another one that ran beside it has left its own."""
        if self._scanner is None and not self._closed:
            self._scanner = consumer
        else:
            consumer.close(autocommit=False)

    def _range(self, consumer: KafkaConsumer, at: TopicPartition, end: int) -> Iterator[Record]:
        """Until the position passes the end: compaction and transactions leave gaps, also before it."""
        name = "{}/{}".format(*self._cluster.logical(at))
        deadline_s = time.monotonic() + CALL_TIMEOUT_MS / 1000
        while time.monotonic() < deadline_s:
            with log_errors(f"scanning {name}"):
                records = consumer.poll(timeout_ms=WAIT_MS, max_records=SCAN_RECORDS).get(at, [])
                done = (consumer.position(at, timeout_ms=CALL_TIMEOUT_MS) or 0) >= end
            yield from (self._cluster.record(raw) for raw in records if raw.offset < end)
            if done:
                return
            if records:
                deadline_s = time.monotonic() + CALL_TIMEOUT_MS / 1000
        raise unavailable(f"scanning {name}", TimeoutError(f"no record in {CALL_TIMEOUT_MS} ms"))


def _said(bounds: Bounds | None) -> str:
    return "the stream is not there" if bounds is None else f"the partition ends at {bounds.end}"
