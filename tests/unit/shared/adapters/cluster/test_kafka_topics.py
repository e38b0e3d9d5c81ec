"""A stream's promises become topic settings, and a topic that breaks them is said so with what to run."""

import pytest

from shared.adapters.cluster import kafka_complaints
from shared.adapters.cluster.kafka_cluster import KafkaCluster
from shared.streams import FRAMES, PREDICTIONS, SAMPLES, STREAMS, UPLOADS, Stream
from shared.streams.topics import topic_settings

CLUSTER = KafkaCluster("kafka:9092", prefix="site.")


def test_frames_are_kept_for_hours_in_small_segments() -> None:
    settings = topic_settings(FRAMES, replication=3)
    assert settings["retention.ms"] == "21600000"
    assert settings["segment.ms"] == "600000"
    assert settings["max.message.bytes"] == "2097152"
    assert settings["min.insync.replicas"] == "2"


def test_what_is_kept_for_ever_or_compacted() -> None:
    assert topic_settings(SAMPLES, 1)["retention.ms"] == "-1"
    assert topic_settings(SAMPLES, 1)["min.insync.replicas"] == "1"
    assert topic_settings(UPLOADS, 1)["cleanup.policy"] == "compact"
    assert "retention.ms" not in topic_settings(UPLOADS, 1)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=lambda stream: stream.name)
def test_what_apply_makes_draws_no_complaint(stream: Stream) -> None:
    settings = topic_settings(stream, replication=1)
    assert settings["message.timestamp.type"] == "LogAppendTime"
    assert kafka_complaints.faults(CLUSTER, stream, settings) == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [("message.timestamp.type", "CreateTime"), ("max.message.bytes", "1000"), ("cleanup.policy", "compact")],
)
def test_each_broken_setting_is_named_with_the_command(setting: str, value: str) -> None:
    (complaint,) = kafka_complaints.faults(CLUSTER, FRAMES, topic_settings(FRAMES, 1) | {setting: value})
    assert f"{setting} is {value}" in complaint
    assert "--bootstrap-server kafka:9092" in complaint
    assert f"--entity-name site.frames --add-config {setting}=" in complaint


def test_settings_that_may_not_be_read_are_said_to_be() -> None:
    (complaint,) = kafka_complaints.faults(CLUSTER, FRAMES, {})
    assert "DescribeConfigs" in complaint


def test_streams_that_share_partition_numbers_need_as_many() -> None:
    counts = {"frames": 12, "predictions": 6, "uploads": 0, "frames.dlq": 1}
    (complaint,) = kafka_complaints.uneven(CLUSTER, counts)
    assert complaint.startswith("stream predictions (topic site.predictions) has 6 partitions, expected 12")
    assert "--alter --topic site.predictions --partitions 12" in complaint
    assert kafka_complaints.uneven(CLUSTER, {"frames": 12, "predictions": 12}) == []


def test_a_missing_stream_is_said_with_what_makes_it() -> None:
    complaint = kafka_complaints.missing(KafkaCluster("kafka:9092"), PREDICTIONS.name)
    assert complaint == "stream predictions does not exist: run `gleaner topics apply`"
