"""The backends that the contract suites run on. Every test gets a place of its own: a folder, or a prefix nobody else has."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.cluster.kafka_log import KafkaLog
from shared.adapters.cluster.minio_images import MinioImages
from shared.adapters.cluster.redis_state import RedisState
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.retention import sweep
from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.ports import Images, Log, State
from shared.streams.stream import Stream
from tests.contract import features

EMBEDDED_LEASE_S = 2.0
KAFKA_SESSION_S = 6.0
BACKENDS = [pytest.param("embedded"), pytest.param("cluster", marks=pytest.mark.servers)]


@dataclass
class LogBackend:
    """A place where logs can be opened, several times as several processes would."""

    features: features.LogFeatures
    adapter: type
    arguments: tuple[object, ...]
    options: dict[str, object]
    forget: Callable[["LogBackend", str, int, int], None]
    prefix: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:12]}-")
    opened: ExitStack = field(default_factory=ExitStack)

    def open(self, prefix: str | None = None) -> Log:
        """What the test makes of it is closed at its end: a forgotten member would keep its partitions."""
        log: Log = self.adapter(*self.arguments, prefix=self.prefix if prefix is None else prefix, **self.options)
        self.opened.enter_context(closing(log))
        for part in ("producer", "consumer", "reader"):
            setattr(log, part, self._closed_at_the_end(getattr(log, part)))
        return log

    def _closed_at_the_end(self, make: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **named: self.opened.enter_context(closing(make(*args, **named)))

    def source(self) -> str:
        """Python that opens the log, for another process."""
        options = {"prefix": self.prefix, **self.options}
        opening = f"from pathlib import *\nfrom {self.adapter.__module__} import {self.adapter.__name__}\n"
        return opening + f"log = {self.adapter.__name__}(*{self.arguments!r}, **{options!r})\n"


@pytest.fixture(params=BACKENDS)
def log_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogBackend]:
    if request.param == "embedded":
        options: dict[str, object] = {"lease_s": EMBEDDED_LEASE_S}
        backend = LogBackend(features.SEGMENT_LOG, SegmentLog, (tmp_path / "log",), options, _forget_embedded)
    else:
        address = request.getfixturevalue("servers").kafka.address
        options = {"session_timeout_s": KAFKA_SESSION_S}
        backend = LogBackend(features.KAFKA_LOG, KafkaLog, (address,), options, _forget_on_kafka)
    with backend.opened:
        yield backend


@pytest.fixture
def log(log_backend: LogBackend) -> Log:
    """A log with every stream, of two partitions."""
    log = log_backend.open()
    log.apply(2)
    return log


@dataclass(frozen=True)
class StateBackend:
    features: features.StateFeatures
    open: Callable[[str], State]


@pytest.fixture(params=BACKENDS)
def state_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateBackend]:
    """Opens with the prefix that it is given, behind one of this test."""
    place = uuid.uuid4().hex[:12]
    with ExitStack() as opened:
        if request.param == "embedded":
            file = tmp_path / "state.db"
            yield StateBackend(
                features.SQLITE_STATE, lambda prefix: opened.enter_context(closing(SqliteState(file, place + prefix)))
            )
        else:
            url = request.getfixturevalue("servers").redis.url
            yield StateBackend(
                features.REDIS_STATE, lambda prefix: opened.enter_context(closing(RedisState(url, place + prefix)))
            )


@pytest.fixture
def state(state_backend: StateBackend) -> State:
    return state_backend.open("a:")


@dataclass(frozen=True)
class ImagesBackend:
    open: Callable[[str], Images]


@pytest.fixture(params=BACKENDS)
def images_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ImagesBackend]:
    place = uuid.uuid4().hex[:12]
    with ExitStack() as opened:
        if request.param == "embedded":
            folder = tmp_path / "images"
            yield ImagesBackend(lambda prefix: opened.enter_context(closing(FileImages(folder, prefix))))
        else:
            minio = request.getfixturevalue("servers").minio
            keys = (minio.endpoint, minio.access_key, minio.secret_key, f"test-{place}")
            yield ImagesBackend(lambda prefix: opened.enter_context(closing(MinioImages(*keys, prefix))))


@pytest.fixture
def images(images_backend: ImagesBackend) -> Images:
    return images_backend.open("a/")


def _forget_embedded(backend: LogBackend, stream: str, partition: int, before: int) -> None:
    """Retention by bytes, with a cap that leaves what is not to be forgotten."""
    log = backend.open()
    assert isinstance(log, SegmentLog)
    records = log.reader().scan(stream, partition, before, log.bounds(stream)[partition].end)
    kept = sum(len(record.value or b"") for record in records)
    cap = Stream(stream, "", "", (), (), lambda record: record, retention_bytes=kept)
    sweep(log.index.database, backend.prefix + stream, cap, now_ms=0)


def _forget_on_kafka(backend: LogBackend, stream: str, partition: int, before: int) -> None:
    from kafka import KafkaAdminClient, TopicPartition

    admin: Any = KafkaAdminClient(bootstrap_servers=backend.arguments[0])
    try:
        admin.delete_records({TopicPartition(backend.prefix + stream, partition): before})
    finally:
        admin.close()
