"""What can be wrong with topics, in sentences: what was expected, what stood there, and what to run.

Promises: pure; a topic that `apply` made draws no complaint.
"""

from collections.abc import Mapping, Sequence

from shared.adapters.cluster.kafka_cluster import KafkaCluster
from shared.streams import DLQ_SUFFIX, FRAMES, Stream

APPEND_TIME = "LogAppendTime"


def missing(cluster: KafkaCluster, stream: str) -> str:
    return f"{_named(cluster, stream)} does not exist: run `gleaner topics apply`"


def uneven(cluster: KafkaCluster, counts: Mapping[str, int]) -> Sequence[str]:
    """Main streams share partition numbers, so each must have as many as the one that has most."""
    main = {name: count for name, count in counts.items() if count and not name.endswith(DLQ_SUFFIX)}
    most = max(main.values(), default=0)
    model = FRAMES.name if main.get(FRAMES.name) == most else next((n for n, c in main.items() if c == most), "")
    return [
        f"{_named(cluster, name)} has {count} partitions, expected {most} as {model} has (they share partition numbers): "
        f"run `kafka-topics.sh --bootstrap-server {cluster.bootstrap} --alter --topic {cluster.topic(name)} "
        f"--partitions {most}`; adding partitions moves sources to other ones"
        for name, count in main.items()
        if count < most
    ]


def faults(cluster: KafkaCluster, stream: Stream, settings: Mapping[str, str]) -> Sequence[str]:
    """What is wrong with one topic's settings."""
    if "message.timestamp.type" not in settings:
        unreadable = (
            f"the settings of {_named(cluster, stream.name)} cannot be read: grant DescribeConfigs on the topic, "
            "or look at message.timestamp.type (LogAppendTime) and max.message.bytes yourself"
        )
        return [unreadable]
    found = []
    if settings["message.timestamp.type"] != APPEND_TIME:
        wrong = f"message.timestamp.type is {settings['message.timestamp.type']}, expected {APPEND_TIME}"
        found.append(_altered(cluster, stream, wrong, f"message.timestamp.type={APPEND_TIME}"))
    if int(settings["max.message.bytes"]) < stream.max_message_bytes:
        wrong = f"max.message.bytes is {settings['max.message.bytes']}, expected at least {stream.max_message_bytes}"
        found.append(_altered(cluster, stream, wrong, f"max.message.bytes={stream.max_message_bytes}"))
    if stream.compacted != ("compact" in settings["cleanup.policy"]):
        policy = "compact" if stream.compacted else "delete"
        wrong = f"cleanup.policy is {settings['cleanup.policy']}, expected {policy}"
        found.append(_altered(cluster, stream, wrong, f"cleanup.policy={policy}"))
    return found


def _altered(cluster: KafkaCluster, stream: Stream, wrong: str, setting: str) -> str:
    return (
        f"{_named(cluster, stream.name)}: {wrong}: run `kafka-configs.sh --bootstrap-server {cluster.bootstrap} --alter "
        f"--entity-type topics --entity-name {cluster.topic(stream.name)} --add-config {setting}`"
    )


def _named(cluster: KafkaCluster, stream: str) -> str:
    topic = cluster.topic(stream)
    return f"stream {stream}" if topic == stream else f"stream {stream} (topic {topic})"
