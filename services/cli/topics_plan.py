"""A stream's promises in words, and as Kafka's topic settings: what `topics apply` would ask for, to be read by people.

Promises: pure, no connection. A test holds it to what the Kafka adapter asks for.
"""

from shared.streams.stream import DAY_S, HOUR_S, Stream


def retention(stream: Stream) -> str:
    """`kept 6 h and at most 8.6 GB per partition`."""
    if stream.compacted:
        return "compacted: the last record of a key is kept for ever"
    most = f" and at most {stream.retention_bytes / 1e9:.1f} GB per partition" if stream.retention_bytes else ""
    return f"kept {_duration(stream.retention_s)}{most}"


def kafka_settings(stream: Stream, replication: int) -> dict[str, str]:
    """The topic's settings, by name."""
    settings = {
        "cleanup.policy": "compact" if stream.compacted else "delete",
        "compression.type": "producer",
        "max.message.bytes": str(stream.max_message_bytes),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": "2" if replication > 1 else "1",
    }
    if not stream.compacted:
        settings["retention.ms"] = "-1" if stream.retention_s is None else str(stream.retention_s * 1000)
    if stream.retention_bytes is not None:
        settings["retention.bytes"] = str(stream.retention_bytes)
    if stream.segment_bytes is not None:
        settings["segment.bytes"] = str(stream.segment_bytes)
    if stream.segment_s is not None:
        settings["segment.ms"] = str(stream.segment_s * 1000)
    return settings


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "for ever"
    return f"{seconds // DAY_S} days" if seconds % DAY_S == 0 else f"{seconds / HOUR_S:g} h"
