"""Servers that stop, hang and come back: nothing that was taken is lost, and nothing waits without end.

The servers are this module's own; each test leaves them running.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from shared.adapters.cluster.kafka_log import KafkaLog
from shared.adapters.cluster.minio_images import MinioImages
from shared.adapters.cluster.redis_state import RedisState
from shared.errors import Unavailable
from shared.ports.state import Charge, Undecided
from shared.streams.record import NewRecord, Record
from tests.servers import Servers, own_servers

__all__ = ["own_servers"]
pytestmark = [pytest.mark.servers, pytest.mark.slow]

BOUND_S = 15.0
BACK_S = 30.0
STREAM = "samples"


@pytest.fixture
def log(own_servers: Servers, request: pytest.FixtureRequest) -> Iterator[KafkaLog]:
    log = KafkaLog(own_servers.kafka.address, f"{request.node.name.replace('[', '-').replace(']', '')}.")
    log.apply(1)
    yield log
    log.close()


@contextmanager
def _stopped(stop: Callable[[], None], start: Callable[[], None]) -> Iterator[None]:
    stop()
    try:
        yield
    finally:
        start()


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    started_s = time.monotonic()
    yield
    took_s = time.monotonic() - started_s
    assert took_s <= seconds, f"expected an answer within {seconds} s, it took {took_s:.1f} s"


def _again_until(succeeds: Callable[[], object], timeout_s: float = BACK_S) -> None:
    """Repeats what is Unavailable until it works."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        with suppress(Unavailable):
            succeeds()
            return
    succeeds()


def _new(number: int) -> NewRecord:
    return NewRecord(STREAM, b"key", str(number).encode(), 0)


def _everything(log: KafkaLog) -> list[int]:
    reader = log.reader()
    try:
        return [int(record.value or b"") for record in reader.scan(STREAM, 0, 0, 1_000_000)]
    finally:
        reader.close()


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_nothing_is_lost_nor_swapped_while_the_broker_is_away(own_servers: Servers, log: KafkaLog, way: str) -> None:
    producer, kafka = log.producer(), own_servers.kafka
    futures = [producer.send(_new(number)) for number in range(200)]
    with _stopped(kafka.stop if way == "stop" else kafka.kill, kafka.start):
        futures += [producer.send(_new(number)) for number in range(200, 400)]
    futures += [producer.send(_new(number)) for number in range(400, 600)]
    producer.flush(60)
    stored = [future.result() for future in futures]
    producer.close()

    assert sorted(record.offset for record in stored) == [record.offset for record in stored]
    assert list(dict.fromkeys(_everything(log))) == list(range(600))
    assert all(_at(log, record) == record for record in stored[::50])


def _at(log: KafkaLog, record: Record) -> Record:
    reader = log.reader()
    try:
        return reader.read(record.stream, record.partition, record.offset)
    finally:
        reader.close()


def test_no_call_waits_without_end_and_all_go_on_afterwards(own_servers: Servers, log: KafkaLog) -> None:
    producer, consumer, reader = log.producer(), log.consumer("group", [STREAM]), log.reader()
    producer.send(_new(0)).result(BOUND_S)
    assert [record.value for record in _polled(consumer.poll, 1)] == [b"0"]
    reader.read(STREAM, 0, 0)

    with _stopped(own_servers.kafka.stop, own_servers.kafka.start):
        with _at_most(BOUND_S):
            assert list(consumer.poll(0.5, 10)) == []
        for call in (
            lambda: consumer.commit({(STREAM, 0): 1}),
            lambda: reader.read(STREAM, 0, 0),
            lambda: log.bounds(STREAM),
            lambda: log.ping(),
            lambda: log.consumer("other", [STREAM]),
        ):
            with _at_most(BOUND_S), pytest.raises(Unavailable):
                call()
        with _at_most(BOUND_S):
            consumer.lag()

    producer.send(_new(1)).result(BACK_S)
    assert [record.value for record in _polled(consumer.poll, 1)] == [b"1"]
    _again_until(lambda: consumer.commit({(STREAM, 0): 2}))
    _again_until(lambda: reader.read(STREAM, 0, 1))
    assert log.committed("group", STREAM) == {0: 2}
    for each in (consumer, reader, producer):
        each.close()


def _polled(poll: Callable[[float, int], Sequence[Record]], count: int) -> list[Record]:
    """That many records, however long the group needs to come together."""
    records: list[Record] = []
    deadline_s = time.monotonic() + BACK_S
    while len(records) < count and time.monotonic() < deadline_s:
        with suppress(Unavailable):
            records.extend(poll(1.0, 100))
    return records


def test_a_full_gate_blocks_for_its_time_and_then_says_so(own_servers: Servers, log: KafkaLog) -> None:
    producer = log.producer(max_in_flight_bytes=10_000, timeout_s=1.0)
    producer.send(_new(0)).result(BOUND_S)
    with _stopped(own_servers.kafka.stop, own_servers.kafka.start):
        futures = [producer.send(NewRecord(STREAM, b"key", bytes(4_000), 0)) for _ in range(2)]
        with _at_most(2.0), pytest.raises(Unavailable):
            producer.send(NewRecord(STREAM, b"key", bytes(4_000), 0))
        with _at_most(2.0), pytest.raises(Unavailable):
            producer.flush(1.0)
    assert [future.result(BACK_S).offset for future in futures] == [1, 2]
    producer.close()


def test_closing_while_the_broker_is_away_is_quick_and_the_futures_tell(own_servers: Servers, log: KafkaLog) -> None:
    producer, consumer = log.producer(), log.consumer("group", [STREAM])
    producer.send(_new(0)).result(BOUND_S)
    _polled(consumer.poll, 1)
    with _stopped(own_servers.kafka.stop, own_servers.kafka.start):
        future = producer.send(_new(1))
        with _at_most(BOUND_S):
            producer.close()
        with _at_most(BOUND_S):
            consumer.close()
        assert isinstance(future.exception(BOUND_S), Unavailable)


@pytest.mark.parametrize("way", ["stop", "freeze"])
def test_a_state_store_that_is_gone_or_hangs_costs_less_than_a_second(own_servers: Servers, way: str) -> None:
    redis = own_servers.redis
    state = RedisState(redis.url, f"{way}:")
    charge = Charge("limit", "lim:{c}", 1, 10, 60)
    once = [Undecided("dec:{c}:1", b"kept", 60, (charge,))]
    state.decide(once)
    stop, start = (redis.stop, redis.start) if way == "stop" else (redis.freeze, redis.thaw)
    with _stopped(stop, start):
        for call in (lambda: state.ping(), lambda: state.get("key"), lambda: state.decide(once)):
            with _at_most(1.0), pytest.raises(Unavailable):
                call()
    _again_until(state.ping)
    assert [decided.fresh for decided in state.decide(once)] == [False]
    assert state.get("lim:{c}") == b"1"
    state.close()


def test_an_image_buffer_that_is_gone_is_said_to_be(own_servers: Servers) -> None:
    minio = own_servers.minio
    images = MinioImages(minio.endpoint, minio.access_key, minio.secret_key, "outage", "site/")
    images.put("samples/one.jpg", b"one", "image/jpeg")
    with _stopped(minio.stop, minio.start):
        for call in (
            lambda: images.ping(),
            lambda: images.get("samples/one.jpg"),
            lambda: images.put("samples/two.jpg", b"two", "image/jpeg"),
            lambda: list(images.list()),
        ):
            with _at_most(BOUND_S), pytest.raises(Unavailable):
                call()
    _again_until(images.ping)
    assert images.get("samples/one.jpg") == b"one"
    assert [found.key for found in images.list()] == ["samples/one.jpg"]
    images.close()


def test_a_broker_that_hangs_for_longer_than_a_record_lives_is_written_to_again(
    own_servers: Servers, log: KafkaLog
) -> None:
    """The client gives its producer's id up with the record that expires, and never asks for another."""
    producer, kafka = log.producer(), own_servers.kafka
    producer.send(_new(0)).result(BACK_S)
    with _stopped(kafka.freeze, kafka.thaw), pytest.raises(Unavailable):
        producer.send(_new(1)).result(2 * BACK_S)
    _again_until(lambda: producer.send(_new(2)).result(BOUND_S))
    assert _everything(log)[-1] == 2
