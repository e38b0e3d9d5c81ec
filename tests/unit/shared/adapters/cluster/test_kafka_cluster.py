"""Names get their prefix and lose it again; Kafka's errors become ours."""

import pytest
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaConfigurationError, KafkaTimeoutError, TopicAuthorizationFailedError
from kafka.record import util

from shared.adapters.cluster.kafka_cluster import KafkaCluster, log_errors
from shared.adapters.cluster.kafka_log import KafkaLog
from shared.errors import InvalidMessage, SettingsError, Unavailable

CLUSTER = KafkaCluster("one:9092,two:9092", prefix="site.", security={"security_protocol": "SSL"})


def test_names_carry_the_prefix_outside_alone() -> None:
    assert CLUSTER.physical(("frames", 3)) == TopicPartition("site.frames", 3)
    assert CLUSTER.logical(TopicPartition("site.frames", 3)) == ("frames", 3)
    assert CLUSTER.group("sampler") == "site.sampler"


def test_every_client_gets_all_brokers_and_the_security() -> None:
    settings = CLUSTER.settings(acks="all")
    assert settings["bootstrap_servers"] == ["one:9092", "two:9092"]
    assert (settings["security_protocol"], settings["acks"]) == ("SSL", "all")


def test_a_consumed_record_names_its_stream() -> None:
    fields = dict.fromkeys(ConsumerRecord._fields)
    raw = ConsumerRecord(
        **{**fields, "topic": "site.frames", "partition": 1, "offset": 2, "timestamp": 3},
    )._replace(key=b"k", value=b"v", headers=[("name", b"text"), ("empty", None)])
    record = CLUSTER.record(raw)
    assert (record.where, record.time_ms) == ("frames/1@2", 3)
    assert record.headers == (("name", b"text"), ("empty", b""))


@pytest.mark.parametrize("error", [KafkaTimeoutError("late"), TopicAuthorizationFailedError(), ConnectionResetError()])
def test_what_may_pass_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable, match=f"log is unavailable: asking: {type(error).__name__}"), log_errors("asking"):
        raise error


def test_settings_that_cannot_work_are_said_to_be() -> None:
    with pytest.raises(SettingsError), log_errors("asking"):
        raise KafkaConfigurationError("no such thing")


def test_our_own_errors_pass_unchanged() -> None:
    with pytest.raises(InvalidMessage), log_errors("asking"):
        raise InvalidMessage("never works")


def test_a_log_without_fast_checksums_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "crc32c_c", None)
    with pytest.raises(SettingsError, match="crc32c"):
        KafkaLog("localhost:1")
