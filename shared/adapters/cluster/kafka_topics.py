"""The streams as Kafka topics: made by `apply`, judged by `check`, and asked for their partitions, bounds and commits.

Promises: `check` needs no right to create and says of each fault what to run; nothing here changes a topic that exists.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    AuthorizationError,
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    KafkaError,
    NoError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from shared.adapters.cluster import kafka_complaints
from shared.adapters.cluster.kafka_cluster import CALL_TIMEOUT_MS, KafkaCluster, log_errors, unavailable
from shared.errors import SettingsError
from shared.ports.log import Bounds
from shared.streams import STREAMS, Stream
from shared.streams.topics import topic_settings

DEFAULT_PARTITIONS = 12
MOST_REPLICAS = 3
RETRY_S = 0.1
Answer = TypeVar("Answer")
_REFUSALS = (
    AuthorizationError,
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    PolicyViolationError,
)


class _NoTopic(Exception):
    """The topic or partition that was asked for does not exist."""


class KafkaTopics:
    """One admin client, connected when first needed. For many threads."""

    def __init__(self, cluster: KafkaCluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._client: KafkaAdminClient | None = None

    def partitions(self, stream: str) -> int:
        """How many there are, 0 without the topic. Raises Unavailable."""
        return self._counts([stream])[stream]

    def bounds(self, stream: str) -> Mapping[int, Bounds]:
        """Of every partition; empty without the topic. Raises Unavailable."""
        every = self._every_partition(stream)
        return self._bounds(every) if every else {}

    def partition_bounds(self, stream: str, partition: int) -> Bounds | None:
        """Of one partition, None when it does not exist. Raises Unavailable."""
        at = self._cluster.physical((stream, partition))
        try:
            return self._bounds([at])[partition]
        except _NoTopic:
            return None

    def committed(self, group: str, stream: str) -> Mapping[int, int]:
        """What the group committed; partitions without a commit are left out. Raises Unavailable."""
        every, name = self._every_partition(stream), self._cluster.group(group)
        if not every:
            return {}
        asked = {name: every}
        offsets = self._ask(
            f"asking for the commits of group {group}", lambda admin: admin.list_group_offsets(asked)[name]
        )
        return {at.partition: known.offset for at, known in offsets.items() if known.offset >= 0}

    def apply(self, partitions: int | None = None) -> Sequence[str]:
        """Makes the topics that are missing. Raises SettingsError when the cluster refuses, Unavailable."""
        count, replication = partitions or DEFAULT_PARTITIONS, self._replication()
        missing = [STREAMS[name] for name, there in self._counts(list(STREAMS)).items() if not there]
        if missing:
            self._create({stream.name: _topic(stream, count, replication) for stream in missing})
        return [f"made {self._cluster.topic(stream.name)}: {count} partitions, {replication} x" for stream in missing]

    def check(self) -> Sequence[str]:
        """What is wrong, in sentences. Raises Unavailable."""
        counts = self._counts(list(STREAMS))
        there = [stream for name, stream in STREAMS.items() if counts[name]]
        missing = [kafka_complaints.missing(self._cluster, name) for name, count in counts.items() if not count]
        uneven = kafka_complaints.uneven(self._cluster, counts)
        settings = self._settings_of(there) if there else {}
        return [*missing, *uneven, *(each for s in there for each in self._faults(s, settings[s.name]))]

    def ping(self) -> None:
        """Raises Unavailable."""
        self._ask("asking for the cluster", lambda admin: admin.describe_cluster())

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, doing: str, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        """Asks again while the error may pass, for a bounded time; then with a new connection the next time."""
        deadline_s = time.monotonic() + CALL_TIMEOUT_MS / 1000
        with log_errors(doing):
            while True:
                try:
                    return question(self._admin())
                except KafkaError as error:
                    if not error.retriable or time.monotonic() > deadline_s:
                        self.close()
                        raise
                time.sleep(RETRY_S)

    def _admin(self) -> KafkaAdminClient:
        with self._lock:
            if self._client is None:
                self._client = KafkaAdminClient(**self._cluster.settings())
            return self._client

    def _bounds(self, partitions: Sequence[TopicPartition]) -> dict[int, Bounds]:
        """Raises _NoTopic."""
        starts = dict.fromkeys(partitions, OffsetSpec.EARLIEST)
        ends = dict.fromkeys(partitions, OffsetSpec.LATEST)

        def ask(admin: KafkaAdminClient) -> dict[int, Bounds]:
            try:
                first, last = admin.list_partition_offsets(starts), admin.list_partition_offsets(ends)
            except UnknownTopicOrPartitionError as error:
                raise _NoTopic(str(partitions[0])) from error
            return {at.partition: Bounds(first[at].offset, last[at].offset) for at in partitions}

        return self._ask(f"asking for the bounds of {partitions[0].topic}", ask)

    def _counts(self, streams: Sequence[str]) -> dict[str, int]:
        """Partitions per stream, 0 where there is no topic."""
        by_topic = {self._cluster.topic(stream): stream for stream in streams}
        described = self._ask("asking for topics", lambda admin: admin.describe_topics(list(by_topic)))
        counts = {by_topic[topic["name"]]: _partition_count(topic) for topic in described}
        return {stream: counts[stream] for stream in streams}

    def _every_partition(self, stream: str) -> list[TopicPartition]:
        return [self._cluster.physical((stream, number)) for number in range(self.partitions(stream))]

    def _replication(self) -> int:
        if self._cluster.replication is not None:
            return self._cluster.replication
        cluster = self._ask("counting the brokers", lambda admin: admin.describe_cluster())
        return min(MOST_REPLICAS, len(cluster["brokers"]))

    def _create(self, topics: Mapping[str, dict[str, Any]]) -> None:
        wanted = {self._cluster.topic(stream): topic for stream, topic in topics.items()}
        answers = self._ask("making topics", lambda admin: admin.create_topics(wanted, raise_errors=False))["topics"]
        for answer in answers:
            _raise_refusal(answer)
        self._ask("waiting for topics", lambda admin: admin.wait_for_topics(list(wanted)))

    def _settings_of(self, streams: Sequence[Stream]) -> dict[str, dict[str, str]]:
        """The effective settings per stream; empty where we may not read them."""
        topics = {self._cluster.topic(stream.name): stream.name for stream in streams}
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
        told = self._ask("asking for settings", lambda admin: admin.describe_configs(asked, config_filter="all"))
        return {
            stream: {name: setting["value"] for name, setting in told.get("topic", {}).get(topic, {}).items()}
            for topic, stream in topics.items()
        }

    def _faults(self, stream: Stream, settings: Mapping[str, str]) -> Sequence[str]:
        return kafka_complaints.faults(self._cluster, stream, settings)


def _topic(stream: Stream, partitions: int, replication: int) -> dict[str, Any]:
    return {
        "num_partitions": partitions,
        "replication_factor": replication,
        "configs": topic_settings(stream, replication),
    }


def _partition_count(topic: Mapping[str, Any]) -> int:
    error = for_code(topic["error_code"])
    if error is UnknownTopicOrPartitionError:
        return 0
    if not topic["partitions"] and error is not NoError:
        raise unavailable(f"asking for topic {topic['name']}", error())
    return len(topic["partitions"])


def _raise_refusal(answer: Mapping[str, Any]) -> None:
    error = for_code(answer["error_code"])
    if error in (NoError, TopicAlreadyExistsError):
        return
    why = f"{error.__name__}: {answer.get('error_message') or error.description}"
    if issubclass(error, _REFUSALS):
        raise SettingsError(f"topic {answer['name']} cannot be made: {why}; ask whoever runs the cluster for it")
    raise unavailable(f"making topic {answer['name']}", error(why))
