"""Redis (or Valkey) as a process: every write in its append-only file, no snapshots.

Installed from Debian when it is missing; never the system's own service.
"""

from collections.abc import Sequence
from pathlib import Path

from deploy.native import probes
from deploy.native.ports import LOOPBACK
from deploy.native.process import Server
from deploy.native.tools import can_install, ensure_debian, find

PROGRAMS = ("redis-server", "valkey-server")


def install() -> str:
    """The path of the server's program. Raises ToolMissing."""
    return ensure_debian("redis-server", *PROGRAMS)


def missing() -> str | None:
    """Why it cannot be started here, or None."""
    if find(*PROGRAMS) or can_install():
        return None
    return "redis-server is not on the PATH, and apt-get needs root"


class RedisServer(Server):
    """A Redis of our own."""

    name = "redis"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """What redis-py's `from_url` takes."""
        return f"redis://{self.address}/0"

    def command(self) -> Sequence[str]:
        """Data in the server's folder; loopback only."""
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        return [install(), *settings(self.port, data)]

    def answers(self) -> bool:
        """True once it has loaded its data."""
        return probes.redis_answers(LOOPBACK, self.port)


def settings(port: int, data: Path) -> list[str]:
    """The command-line settings: durable from the first write on, and no surprise snapshot."""
    where = ["--bind", LOOPBACK, "--port", str(port), "--dir", str(data)]
    return [*where, "--save", "", "--appendonly", "yes", "--daemonize", "no"]
