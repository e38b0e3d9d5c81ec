"""Kafka as a process: one node, KRaft, from the jars that Maven Central publishes; no distribution to unpack.

Topics are never made by themselves, and a message may have 2 MiB: as in production.
"""

import base64
import uuid
from collections.abc import Sequence
from pathlib import Path

from deploy.native import probes
from deploy.native.cache import cache_directory, cached
from deploy.native.ports import LOOPBACK
from deploy.native.process import Server
from deploy.native.tools import find, need, run_to_end

VERSION = "4.3.1"
ENTRY = f"kafka-{VERSION}"
HEAP = "-Xmx512m"

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>gleaner</groupId><artifactId>kafka-server</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version></dependency>
  </dependencies>
</project>
"""

PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
message.max.bytes=2097152
"""


def install() -> Path:
    """The folder of the jars, downloaded when it is not in the cache. Raises ToolMissing or RuntimeError."""
    return cached(ENTRY, _download)


def missing() -> str | None:
    """Why it cannot be started here, or None."""
    if not find("java"):
        return "java is not on the PATH"
    if (cache_directory() / ENTRY).is_dir() or find("mvn"):
        return None
    return "Kafka is not in the cache, and mvn is not on the PATH to download it"


def run_tool(tool: str, *arguments: str, timeout_s: float = 60) -> str:
    """What one of Kafka's command-line classes printed, e.g. `kafka.admin.ConfigCommand`. Raises RuntimeError."""
    return run_to_end([*_java(), tool, *arguments], timeout_s=timeout_s)


def server_properties(port: int, controller_port: int, data: Path) -> str:
    """The text of `server.properties`."""
    return PROPERTIES.format(port=port, controller_port=controller_port, data=data)


class KafkaServer(Server):
    """A broker of our own, its controller beside it on a second port."""

    name = "kafka"

    def __init__(self, directory: Path, port: int, controller_port: int, *, detached: bool = False) -> None:
        super().__init__(directory, port, detached=detached)
        self.controller_port = controller_port

    @property
    def address(self) -> str:
        """`host:port`, what clients call bootstrap servers."""
        return f"{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        """Formats the data folder the first time."""
        properties = self.directory / "server.properties"
        if not properties.exists():
            self._format(properties)
        return [*_java(), "kafka.Kafka", str(properties)]

    def answers(self) -> bool:
        """True once the broker is registered and serves metadata."""
        return probes.kafka_answers(LOOPBACK, self.port)

    def _format(self, properties: Path) -> None:
        unfinished = properties.with_suffix(".unfinished")
        unfinished.write_text(server_properties(self.port, self.controller_port, self.directory / "data"))
        run_tool("kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(unfinished))
        unfinished.rename(properties)


def cluster_id() -> str:
    """A random id as Kafka writes them: 16 bytes in URL-safe base64."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return "g" + text[1:]  # a leading dash would read as an option


def _java() -> list[str]:
    quiet = "-Dorg.apache.logging.log4j.level=WARN"
    return [need("java", "Kafka runs on it"), HEAP, "-XX:+UseSerialGC", quiet, "-cp", f"{install()}/*"]


def _download(folder: Path) -> None:
    mvn = need("mvn", "it downloads Kafka's jars")
    pom = folder / "pom.xml"
    pom.write_text(POM)
    run_to_end([mvn, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"])
