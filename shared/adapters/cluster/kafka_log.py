"""The log on Kafka (kafka-python): what each part promises stands in `shared/ports/log.py`, how it is kept in the parts.

Promises: making one connects nowhere; each part connects when it is first needed, and every call is bounded in time.
Closing it closes what it made: a member that is left behind would hold up its group for minutes.
"""

from collections.abc import Mapping, Sequence
from weakref import WeakSet

from shared.adapters.cluster.kafka_cluster import KafkaCluster, need_fast_checksums
from shared.adapters.cluster.kafka_consumer import GroupConsumer
from shared.adapters.cluster.kafka_producer import GatedProducer
from shared.adapters.cluster.kafka_reader import RandomReader
from shared.adapters.cluster.kafka_topics import KafkaTopics
from shared.ports.log import Bounds, Consumer, Listener, Producer, Reader

MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024
NO_SECURITY: Mapping[str, object] = {}


class KafkaLog:
    """Topics are `prefix` + stream, groups `prefix` + group. `replication=None`: three, or as many as there are brokers."""

    def __init__(
        self,
        bootstrap: str,
        prefix: str = "",
        client_id: str = "gleaner",
        session_timeout_s: float = 45.0,
        replication: int | None = None,
        security: Mapping[str, object] = NO_SECURITY,
    ) -> None:
        need_fast_checksums()
        self._cluster = KafkaCluster(bootstrap, prefix, client_id, session_timeout_s, replication, security)
        self._topics = KafkaTopics(self._cluster)
        self._made: WeakSet[GatedProducer | GroupConsumer | RandomReader] = WeakSet()

    def producer(self, max_in_flight_bytes: int = MAX_IN_FLIGHT_BYTES, timeout_s: float = 30.0) -> Producer:
        producer = GatedProducer(self._cluster, self._topics, max_in_flight_bytes, timeout_s)
        self._made.add(producer)
        return producer

    def consumer(self, group: str, streams: Sequence[str], listener: Listener | None = None) -> Consumer:
        consumer = GroupConsumer(self._cluster, group, streams, listener)
        self._made.add(consumer)
        return consumer

    def reader(self) -> Reader:
        reader = RandomReader(self._cluster, self._topics)
        self._made.add(reader)
        return reader

    def partitions(self, stream: str) -> int:
        return self._topics.partitions(stream)

    def bounds(self, stream: str) -> Mapping[int, Bounds]:
        return self._topics.bounds(stream)

    def committed(self, group: str, stream: str) -> Mapping[int, int]:
        return self._topics.committed(group, stream)

    def apply(self, partitions: int | None = None) -> Sequence[str]:
        return self._topics.apply(partitions)

    def check(self) -> Sequence[str]:
        return self._topics.check()

    def ping(self) -> None:
        self._topics.ping()

    def close(self) -> None:
        for each in list(self._made):
            each.close()
        self._topics.close()
