"""The servers that run together: make them on free ports, start them, stop them whatever happens.

`servers` is for tests: nothing outlives it. `make` and `start_all` are for the command line.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deploy.native import kafka_server, minio_server, redis_server
from deploy.native.kafka_server import KafkaServer
from deploy.native.minio_server import MinioServer
from deploy.native.ports import free_port
from deploy.native.process import Server
from deploy.native.redis_server import RedisServer

ServerKind = TypeVar("ServerKind", bound=Server)
EVERY_SERVER = ("kafka", "redis", "minio")
INSTALLERS: dict[str, Callable[[], object]] = {
    "kafka": kafka_server.install,
    "redis": redis_server.install,
    "minio": minio_server.install,
}
MISSING: dict[str, Callable[[], str | None]] = {
    "kafka": kafka_server.missing,
    "redis": redis_server.missing,
    "minio": minio_server.missing,
}


@dataclass(frozen=True)
class Running:
    """The servers that were asked for; asking for another one is an error that says so."""

    started: dict[str, Server]

    @property
    def kafka(self) -> KafkaServer:
        """The broker: `.address`."""
        return self._of(KafkaServer)

    @property
    def redis(self) -> RedisServer:
        """The state store: `.url`."""
        return self._of(RedisServer)

    @property
    def minio(self) -> MinioServer:
        """The image buffer: `.endpoint`, `.access_key`, `.secret_key`."""
        return self._of(MinioServer)

    def _of(self, kind: type[ServerKind]) -> ServerKind:
        server = self.started.get(kind.name)
        if not isinstance(server, kind):
            raise LookupError(f"expected {kind.name} among the running servers, got {', '.join(self.started)}")
        return server


def missing(which: Sequence[str] = EVERY_SERVER) -> list[str]:
    """Why each server that cannot be started here cannot; empty when all can."""
    return [reason for name in which if (reason := MISSING[name]())]


def install(which: Sequence[str] = EVERY_SERVER) -> None:
    """Download, build or install what is not there yet. Raises ToolMissing or RuntimeError."""
    for name in which:
        INSTALLERS[name]()


@contextmanager
def servers(directory: Path, which: Sequence[str] = EVERY_SERVER) -> Iterator[Running]:
    """These servers, ready, each in its own folder of `directory`; stopped on the way out.

    Raises ToolMissing, ServerFailed.
    """
    running = make(directory, which)
    try:
        start_all(running)
        yield running
    finally:
        stop_all(running)


def make(directory: Path, which: Sequence[str] = EVERY_SERVER, *, detached: bool = False) -> Running:
    """The servers, not started yet, on ports that were free a moment ago."""
    return Running({name: _make_one(name, directory.resolve() / name, detached) for name in which})


def start_all(running: Running) -> None:
    """Start all at once: Kafka's few seconds hide the others'."""
    _at_once([server.start for server in running.started.values()])


def stop_all(running: Running) -> None:
    """Stop all at once."""
    _at_once([server.stop for server in running.started.values()])


def _make_one(name: str, directory: Path, detached: bool) -> Server:
    if name == "kafka":
        return KafkaServer(directory, free_port(), free_port(), detached=detached)
    if name == "redis":
        return RedisServer(directory, free_port(), detached=detached)
    if name == "minio":
        keys = secrets.token_hex(8), secrets.token_hex(16)
        return MinioServer(directory, free_port(), *keys, detached=detached)
    raise ValueError(f"expected one of {', '.join(EVERY_SERVER)}, got {name!r}")


def _at_once(actions: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor() as pool:  # leaving it waits for all, also when one failed
        futures = [pool.submit(action) for action in actions]
    for future in futures:
        future.result()
