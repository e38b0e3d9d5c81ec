"""MinIO as a process, built from its last public source with Go (about five minutes, once).

Source: the commit of 2026-02-12, the last before the repository was archived.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.native import probes
from deploy.native.cache import cache_directory, cached
from deploy.native.ports import LOOPBACK, free_port
from deploy.native.process import Server
from deploy.native.tools import find, need, run_to_end

VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
ENTRY = f"minio-{VERSION}"


def install() -> str:
    """The path of the server's program, built when it is not in the cache. Raises ToolMissing or RuntimeError."""
    return str(cached(ENTRY, _build) / "minio")


def missing() -> str | None:
    """Why it cannot be started here, or None."""
    if (cache_directory() / ENTRY).is_dir() or find("go"):
        return None
    return "MinIO is not in the cache, and go is not on the PATH to build it"


class MinioServer(Server):
    """A MinIO of our own, with keys that only its creator knows."""

    name = "minio"

    def __init__(self, directory: Path, port: int, access_key: str, secret_key: str, *, detached: bool = False) -> None:
        super().__init__(directory, port, detached=detached)
        self.access_key = access_key
        self.secret_key = secret_key

    @property
    def endpoint(self) -> str:
        """`http://host:port`."""
        return f"http://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        """Data in the server's folder; loopback only, the console too."""
        where = ["--address", f"{LOOPBACK}:{self.port}", "--console-address", f"{LOOPBACK}:{free_port()}"]
        return [install(), "server", str(self.directory / "data"), *where]

    def environment(self) -> Mapping[str, str]:
        """Its keys, and nothing that calls home."""
        return {
            "MINIO_ROOT_USER": self.access_key,
            "MINIO_ROOT_PASSWORD": self.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "HOME": str(self.directory),  # it writes a folder of settings there
        }

    def answers(self) -> bool:
        """True once its health page says ready."""
        return probes.minio_answers(self.endpoint)


def _build(folder: Path) -> None:
    go = need("go", "MinIO is built from source")
    environment = {"GOBIN": str(folder), "CGO_ENABLED": "0"}
    run_to_end([go, "install", f"github.com/minio/minio@{VERSION}"], environment)
