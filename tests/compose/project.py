"""One run of docker-compose.yml under a name of its own: ports, folders, secrets and image tags that nobody else has."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy import env
from deploy.native.ports import LOOPBACK, free_port
from deploy.native.tools import run_to_end

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
SETTINGS = ROOT / "deploy/compose/gleaner.yaml"
OWN_IMAGES = ("sources", "inference", "sampler", "feedback", "uploader", "cli")
POLL_S = 0.2


class Project:
    """Its verbs are compose's; what fails raises RuntimeError with the last lines."""

    def __init__(self, folder: Path, images: Mapping[str, str]) -> None:
        self.name = f"gleaner-test-{secrets.token_hex(4)}"
        self.folder = folder
        self.dataset = folder / "dataset"
        self.times_s: dict[str, float] = {}
        self.up_at_s = time.monotonic()
        env.main(folder)
        self.secrets = env.read(folder / ".env")
        self.kafka = f"localhost:{(kafka_port := free_port())}"
        self.feedback = f"http://{LOOPBACK}:{(feedback_port := free_port())}"
        self._variables = {
            **images,
            "COMPOSE_PROJECT_NAME": self.name,
            "GLEANER_TAG": self.name,
            "GLEANER_SETTINGS": str(SETTINGS),
            "GLEANER_DATASET": str(self.dataset),
            "GLEANER_MODELS": str(folder / "models"),
            "GLEANER_CLIPS": str(folder / "clips"),
            "KAFKA_PORT": str(kafka_port),
            "GLEANER_PORT": str(feedback_port),
        }

    def compose(self, *arguments: str, timeout_s: float = 900) -> str:
        files = ["--file", str(COMPOSE_FILE), "--env-file", str(self.folder / ".env")]
        return run_to_end(["docker", "compose", *files, *arguments], self._variables, timeout_s)

    def command_line(self, *arguments: str) -> str:
        """What `gleaner ...` printed in a container of the stack."""
        return self.compose("--progress", "quiet", "run", "--rm", "--no-TTY", "--no-deps", "gleaner", *arguments)

    def scale(self, **replicas: int) -> None:
        options = [f"--scale={service}={number}" for service, number in replicas.items()]
        self.compose("up", "--detach", "--no-recreate", "--no-deps", *options, *replicas)

    def up_with(self, settings: Path, service: str) -> None:
        """Starts a service of a profile under settings of its own; the others run on under theirs."""
        self._variables["GLEANER_SETTINGS"] = str(settings)
        self.compose("up", "--detach", "--no-deps", "--build", service)
        self._variables["GLEANER_SETTINGS"] = str(SETTINGS)

    def containers(self, service: str = "") -> list[str]:
        return self.compose("ps", "--all", "--quiet", *([service] if service else [])).split()

    def inspect(self, service: str) -> list[dict[str, Any]]:
        return [json.loads(docker("inspect", each))[0] for each in self.containers(service)]

    def log_of(self, service: str, replica: int) -> str:
        return self.compose("logs", "--no-color", "--index", str(replica), service)

    def report(self) -> str:
        """Times, memory and sizes, for whoever reads the run."""
        times = "\n".join(f"{what:<28} {seconds:6.1f} s" for what, seconds in self.times_s.items())
        running = self.compose("ps", "--quiet").split()
        memory = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *running)
        sizes = docker(
            "images", "--filter", f"reference=gleaner/*:{self.name}", "--format", "{{.Repository}} {{.Size}}"
        )
        return "\n".join(["", times, memory.replace(f"{self.name}-", ""), sizes])

    def leftovers(self) -> dict[str, list[str]]:
        """What still carries the project's name."""
        of_ours = ("--quiet", "--filter", f"label=com.docker.compose.project={self.name}")
        listings = {"containers": ("ps", "--all"), "volumes": ("volume", "ls"), "networks": ("network", "ls")}
        return {what: found for what, command in listings.items() if (found := docker(*command, *of_ours).split())}

    def down(self) -> None:
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "30")

    def remove(self) -> None:
        """Everything that this project made, whatever state it is in."""
        self.down()
        ours = docker("images", "--quiet", "--filter", f"reference=gleaner/*:{self.name}").split()
        if ours:
            docker("image", "rm", "--force", *(f"gleaner/{name}:{self.name}" for name in OWN_IMAGES))

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began_s = time.monotonic()
        yield
        self.times_s[what] = time.monotonic() - began_s


def docker(*arguments: str) -> str:
    return run_to_end(["docker", *arguments], timeout_s=120)


def wait_until(holds: Callable[[], object], what: str, timeout_s: float = 120) -> None:
    """Raises AssertionError when it does not come true in time."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s, f"expected {what} within {timeout_s} s"
        time.sleep(POLL_S)
