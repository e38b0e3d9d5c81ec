"""What all our Kafka clients have in common: where the cluster is, how names are made, and what its errors mean to us.

Promises: every wait of a client made with `settings` is bounded; `log_errors` lets no error of Kafka's own through.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaConfigurationError, KafkaError
from kafka.record import util as record_util

from shared.errors import SettingsError, Unavailable
from shared.streams.record import Partition, Record

LOG = "log"
BOOTSTRAP_TIMEOUT_MS = 5_000
REQUEST_TIMEOUT_MS = 10_000
CALL_TIMEOUT_MS = 8_000
"""The most a single call waits for the broker. A caller pauses and comes back rather than hang."""

logging.getLogger("kafka").setLevel(logging.WARNING)  # at INFO it logs every connection and every rebalance step


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    """Where the brokers are, and the names and settings that all clients share. `security` is kafka-python's own."""

    bootstrap: str
    prefix: str = ""
    client_id: str = "gleaner"
    session_timeout_s: float = 45.0
    replication: int | None = None
    security: Mapping[str, object] = field(default_factory=dict)

    def settings(self, **own: object) -> dict[str, object]:
        """A client's settings: the common ones, the security's, and its own."""
        return {
            "bootstrap_servers": self.bootstrap.split(","),
            "client_id": self.client_id,
            "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "reconnect_backoff_max_ms": 1_000,  # the default, 30 s, would be slept through after an outage
            **self.security,
            **own,
        }

    def topic(self, stream: str) -> str:
        return self.prefix + stream

    def group(self, group: str) -> str:
        return self.prefix + group

    def physical(self, partition: Partition) -> TopicPartition:
        return TopicPartition(self.topic(partition[0]), partition[1])

    def logical(self, partition: TopicPartition) -> Partition:
        return partition.topic.removeprefix(self.prefix), partition.partition

    def record(self, raw: ConsumerRecord) -> Record:
        """A consumed record by its stream's own name."""
        headers = tuple((name, value or b"") for name, value in raw.headers)
        stream = raw.topic.removeprefix(self.prefix)
        return Record(stream, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, headers)


@contextmanager
def log_errors(doing: str) -> Iterator[None]:
    """Turns Kafka's errors into ours: settings that cannot work, or a log that does not answer now."""
    try:
        yield
    except KafkaConfigurationError as error:
        raise SettingsError(f"Kafka refuses the settings while {doing}: {error}") from error
    except (KafkaError, OSError) as error:
        raise unavailable(doing, error) from error


def unavailable(doing: str, error: object) -> Unavailable:
    return Unavailable(LOG, f"{doing}: {type(error).__name__}: {error}")


def need_fast_checksums() -> None:
    """Raises SettingsError without the package `crc32c`: kafka-python would check sums in Python, at 5 MB/s."""
    if record_util.crc32c_c is None:
        raise SettingsError("expected the package crc32c beside kafka-python, found none: pip install crc32c")
