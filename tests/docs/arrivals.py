"""What must be true after publish.md: four clients published one camera, and Gleaner sees one camera."""

from pathlib import Path

from shared.streams import FRAMES
from shared.streams.murmur2 import partition_of
from tests.e2e.world import World
from tests.servers import Servers

CAMERA = "yard"
PARTITIONS = 12


def world_on(servers: Servers, folder: Path) -> World:
    """Gleaner with the streams' own names, as the pages have it, on servers that are ours alone."""
    folder.mkdir(parents=True, exist_ok=True)
    backend = {
        "type": "cluster",
        "kafka": servers.kafka.address,
        "redis": servers.redis.url,
        "s3": servers.minio.endpoint,
        "s3_access_key": servers.minio.access_key,
        "s3_secret_key": servers.minio.secret_key,
    }
    model = {"path": str(Path("deploy/demo/packages.onnx").absolute())}
    return World(folder, {"salt": "a salt for the pages only", "backend": backend, "model": model})


def make_streams(world: World) -> None:
    with world.backend() as backend:
        backend.log.apply(PARTITIONS)


def check(world: World, picture: bytes, clients: int) -> None:
    """Each client's frame is on the partition that the key says, with its time, and becomes a prediction."""
    frames = [record for record in world.raw(FRAMES.name) if record.key == CAMERA.encode()]
    assert [record.value for record in frames] == [picture] * clients
    assert {record.partition for record in frames} == {partition_of(CAMERA.encode(), PARTITIONS)}
    assert all(record.header("captured_at") for record in frames)
    world.start("inference")
    try:
        world.wait(lambda: len(_predicted(world)) == clients, "a prediction of each client's frame")
    finally:
        world.stop("inference")
    assert _predicted(world) == {record.offset for record in frames}


def _predicted(world: World) -> set[int]:
    return {one.frame.offset for one in world.records("predictions") if one.source_id == CAMERA}
