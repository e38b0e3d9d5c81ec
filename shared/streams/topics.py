"""A stream's promises as the settings of a Kafka topic. Pure: said by `gleaner topics plan`, asked for by `topics apply`."""

from shared.streams.stream import Stream


def topic_settings(stream: Stream, replication: int) -> dict[str, str]:
    """A stream's promises as Kafka's topic settings (KAFKA.md 1.5). Retention goes by the log's own clock."""
    settings = {
        "cleanup.policy": "compact" if stream.compacted else "delete",
        # A client may compress with a codec that no reader here has: the broker unpacks it, once (docs/decisions/0008).
        "compression.type": "uncompressed",
        "max.message.bytes": str(stream.max_message_bytes),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": "2" if replication > 1 else "1",
    }
    if not stream.compacted:
        settings["retention.ms"] = str(-1 if stream.retention_s is None else stream.retention_s * 1000)
    optional = {
        "retention.bytes": stream.retention_bytes,
        "segment.bytes": stream.segment_bytes,
        "segment.ms": None if stream.segment_s is None else stream.segment_s * 1000,
    }
    return settings | {name: str(value) for name, value in optional.items() if value is not None}
