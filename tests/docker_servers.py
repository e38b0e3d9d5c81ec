"""The same three servers as containers, for machines with a Docker engine: loopback ports, removed afterwards.

The images are the public ones of `docker-compose.yml`; GLEANER_KAFKA_IMAGE, GLEANER_REDIS_IMAGE and GLEANER_MINIO_IMAGE
name others.
"""

import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.native import kafka_server, probes
from deploy.native.leash import Leash
from deploy.native.ports import LOOPBACK, free_port
from deploy.native.process import ServerFailed
from deploy.native.tools import find, run_to_end

IMAGES = {
    "kafka": "apache/kafka:4.3.1",
    "redis": "valkey/valkey:9.1.4",
    "minio": "pgsty/silo:RELEASE.2026-09-03T13-18-01Z",
}
ENGINE_TIMEOUT_S = 10
PULL_TIMEOUT_S = 600
POLL_S = 0.1
KAFKA_DATA = Path("/var/lib/kafka/data")
KAFKA_CONTROLLER_PORT = 29_093
REDIS_PORT = 6_379
MINIO_PORT = 9_000


def image(name: str) -> str:
    """The image to run for this server."""
    return os.environ.get(f"GLEANER_{name.upper()}_IMAGE") or IMAGES[name]


def missing() -> str | None:
    """Why Docker cannot give us the servers, or None once all images are there (pulled if need be)."""
    if find("docker") is None:
        return "docker is not on the PATH"
    if not _succeeds("docker", "info", timeout_s=ENGINE_TIMEOUT_S):
        return "`docker info` finds no engine"
    absent = [image(name) for name in IMAGES if not _present_or_pulled(image(name))]
    return f"images neither present nor pullable: {', '.join(absent)}" if absent else None


@dataclass
class Container:
    """One server in a container of its own, with the verbs of `deploy.native.Server`."""

    image: str
    options: Sequence[str]
    arguments: Sequence[str]
    answers: Callable[[], bool]
    name: str = field(default_factory=lambda: f"gleaner-test-{secrets.token_hex(6)}")
    leash: Leash | None = None

    def start(self, timeout_s: float = 60) -> None:
        """Start it and wait until it answers. Raises ServerFailed with the end of its log."""
        if self.leash is None:
            self.leash = Leash(["docker", "rm", "--force", "--volumes", self.name])
            self._docker("run", "--detach", "--name", self.name, *self.options, self.image, *self.arguments)
        else:
            self._docker("start", self.name)
        self._wait_until_it_answers(timeout_s)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after 15 s."""
        self._docker("stop", "--time", "15", self.name)

    def kill(self) -> None:
        """SIGKILL."""
        self._docker("kill", self.name)

    def freeze(self) -> None:
        """Answer nothing, but keep the connections."""
        self._docker("pause", self.name)

    def thaw(self) -> None:
        """Go on."""
        self._docker("unpause", self.name)

    def remove(self) -> None:
        """The container and its volumes."""
        if self.leash is not None:
            self._docker("rm", "--force", "--volumes", self.name)
            self.leash.release()

    def _wait_until_it_answers(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not self.answers():
            ended = self._docker("inspect", "--format", "{{.State.Running}}", self.name).strip() != "true"
            if ended or time.monotonic() > deadline:
                log = self._docker("logs", "--tail", "30", self.name)
                how = "it ended" if ended else f"no answer within {timeout_s} s"
                raise ServerFailed(f"expected {self.image} to run and answer, {how}; its log:\n{log}")
            time.sleep(POLL_S)

    def _docker(self, *arguments: str) -> str:
        return run_to_end(["docker", *arguments], timeout_s=120)


class KafkaContainer(Container):
    """A broker: `.address`."""

    def __init__(self) -> None:
        port = free_port()
        self.address = f"{LOOPBACK}:{port}"
        options = [*_publish(port, port), *_variables(kafka_variables(port))]
        super().__init__(image("kafka"), options, [], lambda: probes.kafka_answers(LOOPBACK, port))


class RedisContainer(Container):
    """A Redis or Valkey: `.url`."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"redis://{LOOPBACK}:{port}/0"
        program = "valkey-server" if "valkey" in image("redis") else "redis-server"
        arguments = [program, "--save", "", "--appendonly", "yes"]
        options = _publish(port, REDIS_PORT)
        super().__init__(image("redis"), options, arguments, lambda: probes.redis_answers(LOOPBACK, port))


class MinioContainer(Container):
    """A MinIO: `.endpoint`, and keys that only this run knows."""

    def __init__(self) -> None:
        port = free_port()
        self.endpoint = f"http://{LOOPBACK}:{port}"
        self.access_key, self.secret_key = secrets.token_hex(8), secrets.token_hex(16)
        keys = {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key}
        options = [*_publish(port, MINIO_PORT), *_variables(keys)]
        super().__init__(image("minio"), options, ["server", "/data"], lambda: probes.minio_answers(self.endpoint))


def kafka_variables(port: int) -> dict[str, str]:
    """The settings of the native broker in the spelling of the image: `log.dirs` is KAFKA_LOG_DIRS."""
    text = kafka_server.server_properties(port, KAFKA_CONTROLLER_PORT, KAFKA_DATA)
    settings = dict(line.split("=", 1) for line in text.splitlines())
    settings["listeners"] = f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://{LOOPBACK}:{KAFKA_CONTROLLER_PORT}"
    variables = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in settings.items()}
    return {**variables, "CLUSTER_ID": kafka_server.cluster_id(), "KAFKA_HEAP_OPTS": kafka_server.HEAP}


def _publish(port: int, inside: int) -> list[str]:
    return ["--publish", f"{LOOPBACK}:{port}:{inside}"]


def _variables(variables: Mapping[str, str]) -> list[str]:
    return [option for key, value in variables.items() for option in ("--env", f"{key}={value}")]


def _present_or_pulled(name: str) -> bool:
    if _succeeds("docker", "image", "inspect", name, timeout_s=ENGINE_TIMEOUT_S):
        return True
    return _succeeds("docker", "pull", "--quiet", name, timeout_s=PULL_TIMEOUT_S)


def _succeeds(*command: str, timeout_s: float) -> bool:
    try:
        run_to_end(command, timeout_s=timeout_s)
    except (RuntimeError, OSError):
        return False
    return True
