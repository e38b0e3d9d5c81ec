"""Any Kafka client is a producer: kcat and plain kafka-python publish, samples arrive. And two Gleaners on one cluster."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from minio import Minio
from redis import Redis

from deploy.native import ToolMissing, ensure_kcat
from shared.streams.samples import Sample
from tests.e2e.world import World, cluster_world
from tests.servers import Servers
from tests.unit.services.sampler.making import jpeg

pytestmark = [pytest.mark.servers, pytest.mark.slow]

EVERYTHING = {"strategies": [{"type": "random", "fraction": 1.0}]}


@pytest.fixture(scope="module")
def kcat() -> str:
    try:
        return ensure_kcat()
    except ToolMissing as why:
        pytest.skip(f"no kcat: {why}")


@pytest.fixture(scope="module")
def world(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world"), servers) as opened:
        yield opened


@contextmanager
def running(folder: Path, servers: Servers, **changes: Any) -> Iterator[World]:
    world = cluster_world(folder, servers, **changes)
    world.values.update(EVERYTHING)
    for service in ("inference", "sampler", "uploader"):
        world.start(service)
    try:
        yield world
    finally:
        world.close()


def samples_of(world: World, source_id: str) -> list[Sample]:
    return [one for one in world.records("samples") if one.prediction.source_id == source_id]


def in_dataset(world: World, source_id: str) -> bytes:
    """The image of that source's only sample, as it lies in the dataset."""
    world.wait(
        lambda: source_id in {one["source_id"] for one in world.fragments().values()}, f"a sample of {source_id}"
    )
    (sample,) = samples_of(world, source_id)
    file_name = str(world.fragments()[sample.sample_id]["file_name"])
    return (world.dataset / "images" / file_name).read_bytes()


def test_kcat_is_enough_to_publish(world: World, servers: Servers, kcat: str, tmp_path: Path) -> None:
    """The command of the README; the file is one message, whatever bytes are in it."""
    (tmp_path / "front.jpg").write_bytes(jpeg(1))
    topic = f"{world.values['prefix']}frames"
    command = [kcat, "-P", "-b", servers.kafka.address, "-t", topic, "-k", "front", str(tmp_path / "front.jpg")]
    subprocess.run(command, check=True, timeout=30)
    assert in_dataset(world, "front") == jpeg(1)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4"])
def test_a_producer_that_compresses_stops_nobody(
    world: World, servers: Servers, kcat: str, tmp_path: Path, codec: str
) -> None:
    """Go clients do by default. The broker unpacks it, so that readers need no codec."""
    # A comment of spaces: what does not shrink would be sent as it is.
    loose = jpeg(3)[:2] + b"\xff\xfe" + (40_000).to_bytes(2, "big") + b" " * 39_998 + jpeg(3)[2:]
    (tmp_path / "loose.jpg").write_bytes(loose)
    topic = f"{world.values['prefix']}frames"
    command = [
        kcat,
        "-P",
        "-b",
        servers.kafka.address,
        "-t",
        topic,
        "-z",
        codec,
        "-k",
        codec,
        str(tmp_path / "loose.jpg"),
    ]
    subprocess.run(command, check=True, timeout=30)
    assert in_dataset(world, codec) == loose


def test_a_plain_kafka_producer_is_enough_to_publish(world: World, servers: Servers) -> None:
    producer = KafkaProducer(bootstrap_servers=servers.kafka.address)
    producer.send(f"{world.values['prefix']}frames", key=b"plain", value=jpeg(2)).get(timeout=30)
    producer.close()
    assert in_dataset(world, "plain") == jpeg(2)


def test_two_gleaners_on_one_cluster_do_not_meet(world: World, servers: Servers, tmp_path: Path) -> None:
    """The same bucket, broker and store; the same frames. Each sees its own alone, and every name has a prefix."""
    bucket = str(world.values["backend"]["s3_bucket"])
    world.publish([10, 11])
    with running(tmp_path, servers, bucket=bucket) as other:
        assert other.values["prefix"] != world.values["prefix"]
        world.drain()
        other.publish([11, 12, 13])
        other.drain()
        assert {one.prediction.producer_frame_id for one in other.records("samples")} == {
            "frame-11",
            "frame-12",
            "frame-13",
        }
        world.drain()
        assert not {"frame-12", "frame-13"} & {one.prediction.producer_frame_id for one in world.records("samples")}
        kept = [key for key in other.buffered() if not key.startswith("models/")]  # where services say what they run
        assert len(kept) == 3
        _check_prefixed(servers, bucket, (str(world.values["prefix"]), str(other.values["prefix"])))


def _check_prefixed(servers: Servers, bucket: str, prefixes: tuple[str, str]) -> None:
    """Whatever the two wrote begins with one of the prefixes, and both have written everywhere."""
    for where, names in _names(servers, bucket).items():
        for prefix in prefixes:
            assert any(name.startswith(prefix) for name in names), f"{prefix} wrote nothing in {where}: {names}"
    objects = _names(servers, bucket)["bucket"]
    assert all(name.startswith(prefixes) for name in objects)


def _names(servers: Servers, bucket: str) -> dict[str, list[str]]:
    admin = KafkaAdminClient(bootstrap_servers=servers.kafka.address)
    topics, groups = admin.list_topics(), [group["group_id"] for group in admin.list_groups()]
    admin.close()
    with Redis.from_url(servers.redis.url) as redis:
        keys = [key.decode() for key in redis.scan_iter(count=1000)]
    at = servers.minio.endpoint.removeprefix("http://")
    minio = Minio(at, servers.minio.access_key, servers.minio.secret_key, secure=False)
    objects = [str(found.object_name) for found in minio.list_objects(bucket, recursive=True)]
    return {"streams": topics, "groups": groups, "state": keys, "bucket": objects}
