"""How many verdicts feedback takes, each durable before it is answered: one at a time from many callers, and in bulk.

Beside it, in the same run, what the log alone takes of the same records from one producer. Nothing asserts a time: what is
asserted is that every verdict is in the log. `GLEANER_BENCH_VERDICTS`: how many of each.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared.ports.log import Log
from shared.streams import FRAMES, PREDICTIONS
from shared.streams.frames import decode
from shared.streams.predictions import new_prediction, prediction_id
from shared.streams.record import NewRecord
from shared.streams.verdicts import VERDICTS
from tests.benchmarks import inputs, services
from tests.benchmarks.watching import Speed, cpu_s, memory_mb
from tests.benchmarks.yardsticks import timed
from tests.e2e.world import World
from tests.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COUNT = int(os.environ.get("GLEANER_BENCH_VERDICTS", "3000"))
FRAMES_EACH = 60
CALLERS = 16
BULK = 1_000
BACKENDS = [pytest.param("embedded"), pytest.param("cluster", marks=pytest.mark.servers)]
OPTIONS = {"port": 0, "max_per_s": 0}
Say = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def print_it(line: str) -> None:
        with capsys.disabled():
            print(f"| {line} | load {os.getloadavg()[0]:.1f} |")

    return print_it


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> tuple[str, Servers | None]:
    return request.param, request.getfixturevalue("servers") if request.param == "cluster" else None


def predicted(log: Log, count: int) -> list[str]:
    """So many predictions of frames of 100 KB that are there; their ids, in the order of the log's partitions in turn."""
    inputs.send_all(log, inputs.frames(FRAMES_EACH))
    reader = log.reader()
    refs = [
        decode(record).ref
        for partition, at in log.bounds(FRAMES.name).items()
        for record in reader.scan(FRAMES.name, partition, at.start, at.end)
    ]
    reader.close()
    made = zip(islice(cycle(refs), count), range(count), strict=True)
    inputs.send_all(
        log,
        (
            new_prediction(
                inputs._prediction(number, ref.partition, ref.offset).model_copy(
                    update={"frame": ref, "source_id": f"camera-{ref.partition}"}
                )
            )
            for ref, number in made
        ),
    )
    return list(_ids(log))


def _ids(log: Log) -> Iterator[str]:
    """In the order in which they were made, as far as the partitions' times tell."""
    reader = log.reader()
    records = [
        record
        for partition, at in log.bounds(PREDICTIONS.name).items()
        for record in reader.scan(PREDICTIONS.name, partition, at.start, at.end)
    ]
    reader.close()
    for record in sorted(records, key=lambda record: (record.offset, record.partition)):
        yield prediction_id(record, PREDICTIONS.decode(record))


@dataclass(frozen=True, slots=True)
class Post:
    """A request on a connection that stays open."""

    path: str
    body: bytes
    key: str = ""

    @property
    def raw(self) -> bytes:
        idempotency = f"Idempotency-Key: {self.key}\r\n" if self.key else ""
        head = f"POST {self.path} HTTP/1.1\r\nHost: feedback\r\nContent-Type: application/json\r\n{idempotency}"
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


def singles(ids: Sequence[str], keyed: bool) -> list[Post]:
    return [
        Post("/v1/verdicts", json.dumps({"prediction_id": one, "kind": "confirmed"}).encode(), f"k-{one}" * keyed)
        for one in ids
    ]


def bulks(ids: Sequence[str]) -> list[Post]:
    parts = [ids[at : at + BULK] for at in range(0, len(ids), BULK)]
    verdicts = (
        [{"prediction_id": one, "kind": "unsure", "idempotency_key": f"b-{one}"} for one in part] for part in parts
    )
    return [Post("/v1/verdicts/bulk", json.dumps({"verdicts": said}).encode()) for said in verdicts]


async def posted(url: str, posts: Sequence[Post], callers: int) -> None:
    """Each caller has one connection and one request at a time. A bare client: what is measured is the service."""
    waiting = iter(posts)
    at = urlsplit(url)

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        for post in waiting:
            writer.write(post.raw)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            assert head.startswith(b"HTTP/1.1 202"), head + body
        writer.close()

    await asyncio.gather(*(caller() for _ in range(callers)))


def taken(pid: int, url: str, posts: Sequence[Post], verdicts: int, callers: int) -> Speed:
    used_s = cpu_s(pid)
    speed = timed(verdicts, lambda: asyncio.run(posted(url, posts, callers)))
    return Speed(verdicts, speed.wall_s, cpu_s(pid) - used_s, memory_mb(pid))


def bare(world: World, verdicts: Sequence[bytes]) -> Speed:
    """The same records from one producer, all handed over at once, until the last is durable."""
    with world.backend() as opened:
        partitions = opened.log.partitions(VERDICTS.name)
        records = [NewRecord(VERDICTS.name, b"bare", value, n % partitions) for n, value in enumerate(verdicts)]
        return timed(len(records), lambda: inputs.send_all(opened.log, records))


def row(what: str, speed: Speed, yardstick: Speed) -> str:
    return (
        f"{what} | {speed.per_s:,.0f}/s, {speed.cpu_ms:.2f} ms CPU each: {1000 / speed.cpu_ms:,.0f}/s per core, "
        f"{speed.rss_mb:.0f} MB | {speed.per_s / yardstick.per_s:.2f} of a bare producer's speed"
    )


def test_verdicts(backend: tuple[str, Servers | None], tmp_path: Path, say: Say) -> None:
    world = inputs.world_of(
        backend[0], tmp_path, backend[1], feedback={**OPTIONS, "folder": str(tmp_path / "feedback")}
    )
    with world.backend() as opened:
        ids = predicted(opened.log, COUNT)
    with services.service(world, "feedback") as running:
        running.wait_until_it_works()
        pid = running.process.pid
        url = str(next(line["url"] for line in running.said() if line["event"] == "feedback.listening"))
        asyncio.run(posted(url, singles(ids[:CALLERS], False), CALLERS))
        speeds = {
            f"{CALLERS} callers": taken(pid, url, singles(ids, False), COUNT, CALLERS),
            f"{CALLERS} callers, same predictions again, with keys": taken(
                pid, url, singles(ids, True), COUNT, CALLERS
            ),
            f"bulk of {BULK:,}, with keys": taken(pid, url, bulks(ids), COUNT, 1),
        }
    kept = [VERDICTS.decode(record) for record in world.raw("verdicts")]
    assert len({verdict.verdict_id for verdict in kept}) == 3 * COUNT
    yardstick = bare(world, [verdict.to_bytes() for verdict in kept[:COUNT]])
    for what, speed in speeds.items():
        say(row(f"{backend[0]} feedback, {what}", speed, yardstick))
