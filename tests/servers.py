"""Where the tests find real Kafka, Redis and MinIO: named in the environment, else Docker, else plain processes.

Without any, tests that need them are skipped with the reason, and fail when `CI=true`. A test uses its own topic, key
prefix and bucket, and never empties a store: it may be somebody's.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest

from deploy import native
from deploy.native import probes
from deploy.native.running import missing as missing_natively
from tests import docker_servers

PROBE_TIMEOUT_S = 1.0
NAMES = ("GLEANER_TEST_KAFKA", "GLEANER_TEST_REDIS", "GLEANER_TEST_S3")
KEY_NAMES = ("GLEANER_TEST_S3_ACCESS_KEY", "GLEANER_TEST_S3_SECRET_KEY")


class Controlled(Protocol):
    """What a chaos test may do to a server that is ours; the port and the data stay the same."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


class Kafka(Controlled, Protocol):
    """A broker: `host:port`."""

    @property
    def address(self) -> str: ...


class Redis(Controlled, Protocol):
    """A Redis or Valkey: `redis://host:port/0`."""

    @property
    def url(self) -> str: ...


class Minio(Controlled, Protocol):
    """An S3 server: `http://host:port` and its keys."""

    @property
    def endpoint(self) -> str: ...
    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...


@dataclass(frozen=True)
class Servers:
    """Three servers that answer, and where they came from. `close` ends what was started for us."""

    kafka: Kafka
    redis: Redis
    minio: Minio
    origin: str
    close: Callable[[], None]


@dataclass(frozen=True)
class Unavailable:
    """Why there are none."""

    reason: str


def discover(environment: Mapping[str, str] | None = None) -> Servers | Unavailable:
    """The servers of this machine, started if need be.

    What the environment names is used or refused, never replaced: a typo must not look like success.
    """
    environment = os.environ if environment is None else environment
    if any(environment.get(name) for name in NAMES):
        return named(environment)
    return started()


def started() -> Servers | Unavailable:
    """Servers of our own: containers, or else processes. Only these may be stopped by a test."""
    in_docker = _in_docker()
    if isinstance(in_docker, Servers):
        return in_docker
    as_processes = _as_processes(f"processes (Docker: {in_docker.reason})")
    if isinstance(as_processes, Servers):
        return as_processes
    return Unavailable(f"set {', '.join(NAMES)}; or Docker: {in_docker.reason}; or native: {as_processes.reason}")


def require(found: Servers | Unavailable) -> Servers:
    """The servers; without them the test is skipped, and in CI it fails."""
    if isinstance(found, Servers):
        return found
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"CI needs real servers: {found.reason}", pytrace=False)
    pytest.skip(f"no real servers: {found.reason}")


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers all tests share: never stop them, never empty them."""
    found = require(discover())
    yield found
    found.close()


@pytest.fixture(scope="module")
def own_servers() -> Iterator[Servers]:
    """Servers of this module alone, for chaos tests: stop, kill and freeze them at will."""
    found = require(started())
    yield found
    found.close()


class NotOurs:
    """A server that the environment named: others may be using it."""

    def _refuse(self) -> None:
        raise PermissionError(
            "expected a server that the tests started, got one named by the environment: `own_servers`"
        )

    start = stop = kill = freeze = thaw = _refuse


@dataclass(frozen=True)
class NamedKafka(NotOurs):
    """A broker of the environment's."""

    address: str


@dataclass(frozen=True)
class NamedRedis(NotOurs):
    """A Redis of the environment's."""

    url: str


@dataclass(frozen=True)
class NamedMinio(NotOurs):
    """An S3 server of the environment's."""

    endpoint: str
    access_key: str
    secret_key: str


def named(environment: Mapping[str, str]) -> Servers | Unavailable:
    """The servers that the environment names, asked once whether they answer."""
    if absent := [name for name in (*NAMES, *KEY_NAMES) if not environment.get(name)]:
        return Unavailable(f"expected {', '.join((*NAMES, *KEY_NAMES))} together, got none for {', '.join(absent)}")
    address, url, endpoint = (environment[name] for name in NAMES)
    answers = (_kafka_answers(address), _redis_answers(url), probes.http_status(endpoint, PROBE_TIMEOUT_S) is not None)
    if silent := [name for name, ok in zip(NAMES, answers, strict=True) if not ok]:
        found = ", ".join(f"{name}={_without_password(environment[name])}" for name in silent)
        return Unavailable(f"no answer within {PROBE_TIMEOUT_S} s from {found}")
    minio = NamedMinio(endpoint, *(environment[name] for name in KEY_NAMES))
    return Servers(NamedKafka(address), NamedRedis(url), minio, "environment", lambda: None)


def _in_docker() -> Servers | Unavailable:
    if reason := docker_servers.missing():
        return Unavailable(reason)
    stack = ExitStack()
    kafka, redis, minio = (
        docker_servers.KafkaContainer(),
        docker_servers.RedisContainer(),
        docker_servers.MinioContainer(),
    )
    try:
        for container in (redis, minio, kafka):
            stack.callback(container.remove)
            container.start()
    except RuntimeError as failure:  # the engine is there but cannot run them: processes may still do
        stack.close()
        return Unavailable(str(failure))
    return Servers(kafka, redis, minio, "Docker", stack.close)


def _as_processes(origin: str) -> Servers | Unavailable:
    if reasons := missing_natively():
        return Unavailable("; ".join(reasons))
    stack = ExitStack()
    try:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gleaner-servers-"))
        running = stack.enter_context(native.servers(Path(folder)))
    except (RuntimeError, OSError) as failure:  # ToolMissing, ServerFailed, a failed download, a full disk
        stack.close()
        return Unavailable(str(failure))
    return Servers(running.kafka, running.redis, running.minio, origin, stack.close)


def _kafka_answers(address: str) -> bool:
    parts = urlsplit(f"//{address.split(',')[0]}")
    return probes.kafka_answers(parts.hostname or "", parts.port or 9092, PROBE_TIMEOUT_S)


def _redis_answers(url: str) -> bool:
    parts = urlsplit(url)
    return probes.redis_answers(parts.hostname or "", parts.port or 6379, PROBE_TIMEOUT_S)


def _without_password(address: str) -> str:
    return address.rpartition("@")[2]
