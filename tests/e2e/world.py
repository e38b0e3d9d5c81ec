"""A world to test in: settings of its own, services as processes, a publisher, and what came out at the end.

Promises: a world shares no name with another (folder, or prefix and bucket on real servers); it ends every process it
started; it never empties a store. Whatever is waited for has a deadline, and fails with what the services said.
"""

import json
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from services import embedded
from services.cli import kept
from services.cli.counts import Counts, counts
from services.sources.picture import Picture
from services.sources.publisher import Published, publish
from shared.bootstrap import OpenBackend, open_backend
from shared.errors import InvalidMessage, Unavailable
from shared.settings import Settings, load
from shared.streams import STREAMS
from shared.streams.record import NewRecord, Record
from tests.e2e.processes import Process
from tests.servers import Servers
from tests.unit.services.sampler.making import jpeg
from tests.unit.shared.models.built_models import detector

SALT = "a salt for the tests only, long enough"
DEADLINE_S = 90.0
LOOK_EVERY_S = 0.2
DRAIN_S = 40.0
CLUSTER = ("inference", "sampler", "uploader", "feedback")
SESSION_TIMEOUT_S = 6.0
SOURCES = 3
CONFIDENCES = {"threshold": 0.018, "lowest_confidence": 0.014, "max_detections": 8}
"""The built detector is never sure; with these some frames have boxes above the threshold, some near it, some neither."""


@dataclass
class World:
    """One Gleaner, embedded or on servers."""

    folder: Path
    values: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, "Process | subprocess.Popen[bytes]"] = field(default_factory=dict)
    started: int = 0

    @property
    def embedded(self) -> bool:
        return bool(self.values["backend"]["type"] == "embedded")

    @property
    def services(self) -> tuple[str, ...]:
        return ("embedded",) if self.embedded else CLUSTER

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    @property
    def settings_file(self) -> Path:
        path = self.folder / "gleaner.yaml"
        # Whole at any moment: a service that starts or looks at it now would take an empty file for the defaults.
        new = path.with_suffix(f".{threading.get_ident()}")
        new.write_text(yaml.safe_dump(self.values), encoding="utf-8")
        new.replace(path)
        return path

    @property
    def settings(self) -> Settings:
        return load(self.settings_file)

    @contextmanager
    def backend(self) -> Iterator[OpenBackend]:
        with open_backend(self.settings) as backend:
            yield backend

    # Processes

    def start(self, service: str, step: str = "", nth: int = 1, victim: str = "", name: str = "") -> Process:
        """A service as a process; with a step, one that dies after it. `name`: what this replica is called here."""
        self.started += 1
        process = Process(
            (service, *([step, str(nth), victim] if step else [])),
            {**os.environ, **self.environment, "GLEANER_SETTINGS": str(self.settings_file)},
            self.folder / f"{self.started:02d}-{name or service}.log",
        )
        self.processes[name or service] = process
        return process

    def start_all(self) -> None:
        for service in self.services:
            self.start(service)

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status."""
        process = self.processes.pop(name)
        process.send_signal(how)
        return process.wait(DRAIN_S)

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(10)

    def said(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)

    def check_alive(self) -> None:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended with {process.returncode}\n{self.said()}"

    # What goes in

    def publish(self, seeds: Iterable[int], fps: float | None = None) -> Published:
        """Frames that are the same in every world: pixels by seed, the producer's own ids, a few sources."""
        with self.backend() as backend:
            return publish(backend.log, (picture(seed) for seed in seeds), fps)

    def send(self, *records: NewRecord) -> list[Record]:
        """Records as they are, whatever they are; returns them as the log has them."""
        with self.backend() as backend:
            producer = backend.log.producer()
            try:
                return [future.result(30) for future in [producer.send(record) for record in records]]
            finally:
                producer.close()

    def wait_until_up(self) -> None:
        """Every process has said something: what it was assigned, or where it listens."""
        logs = {name: max(self.folder.glob(f"*-{name}.log")) for name in self.processes}
        for name, log in logs.items():
            self.wait(lambda log=log: log.stat().st_size > 0, f"{name} is up")  # type: ignore[misc]

    def feedback_url(self) -> str:
        """Where the latest feedback listens, once it does."""
        log = max(log for log in self.folder.glob("*.log") if log.stem.split("-")[1] in ("feedback", "embedded"))
        found: list[str] = []

        def listening() -> bool:
            lines = log.read_text(errors="replace").splitlines()
            found.extend(json.loads(line)["url"] for line in lines if "feedback.listening" in line)
            return bool(found)

        self.wait(listening, "feedback listening")
        return found[0]

    def judge(self, body: Mapping[str, Any], key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return httpx.post(f"{self.feedback_url()}/v1/verdicts", json=dict(body), headers=headers, timeout=20)

    # Waiting

    def wait(self, done: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S, alive: bool = True) -> float:
        """Returns once it is so, after how many seconds; fails with what the services said when it is not in time."""
        started_s = time.monotonic()
        while not _so(done):
            waited_s = time.monotonic() - started_s
            assert waited_s < deadline_s, f"{what}: not within {deadline_s} s\n{self.said()}"
            if alive:
                self.check_alive()
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - started_s

    def wait_until(self, done: Callable[[OpenBackend], bool], what: str, deadline_s: float = DEADLINE_S) -> float:
        with self.backend() as backend:
            return self.wait(lambda: done(backend), what, deadline_s)

    def drain(self, deadline_s: float = DEADLINE_S) -> float:
        return self.wait_until(lambda backend: embedded.drained(backend.log), "everything through", deadline_s)

    # What came out

    def kept(self) -> kept.Kept:
        with self.backend() as backend:
            return kept.read(backend.log)

    def counts(self) -> Counts:
        with self.backend() as backend:
            return counts(backend.log)

    def raw(self, stream: str) -> list[Record]:
        with self.backend() as backend:
            return list(kept.records_of(backend.log, stream))

    def records(self, stream: str) -> list[Any]:
        """Every message of a stream that can be decoded."""
        found = []
        for record in self.raw(stream):
            with suppress(InvalidMessage):  # a dead letter, which its own test looks at
                found.append(STREAMS[stream].decode(record))
        return found

    def buffered(self, prefix: str = "") -> list[str]:
        with self.backend() as backend:
            return [info.key for info in backend.images.list(prefix)]

    def coco(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.dataset / "_annotations.coco.json").read_bytes())
        return document

    def fragments(self) -> dict[str, dict[str, Any]]:
        """What the dataset says about each sample, by sample id."""
        return {path.stem: json.loads(path.read_bytes()) for path in (self.dataset / "samples").glob("*.json")}


def _so(done: Callable[[], bool]) -> bool:
    """A server that is just coming back is a no, not an error."""
    try:
        return done()
    except Unavailable:
        return False


def picture(seed: int) -> Picture:
    return Picture(f"door-{seed % SOURCES}", jpeg(seed), seed, f"frame-{seed}", None, "image/jpeg")


def _values(folder: Path) -> dict[str, Any]:
    model = folder / "model.onnx"
    detector(model)
    return {
        "salt": SALT,
        "model": {"path": str(model), "id": "tested", **CONFIDENCES},
        "strategies": [
            {"type": "random", "fraction": 0.4},
            {"type": "close_to_threshold", "epsilon": 0.004, "probability": 0.5},
        ],
        "limits": [],
        "destinations": [{"type": "dataset", "folder": str(folder / "dataset")}],
        "uploader": {"folder": str(folder / "outbox")},
        "feedback": {"port": 0, "folder": str(folder / "feedback")},
    }


def embedded_world(folder: Path) -> World:
    folder.mkdir(parents=True, exist_ok=True)
    backend = {"type": "embedded", "folder": str(folder / "data")}
    return World(folder, {**_values(folder), "backend": backend})


def cluster_world(folder: Path, servers: Servers, partitions: int = 3, bucket: str = "") -> World:
    """A world on real servers, with streams made for it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"t{uuid.uuid4().hex[:10]}"
    backend = {
        "type": "cluster",
        "kafka": servers.kafka.address,
        "redis": servers.redis.url,
        "s3": servers.minio.endpoint,
        "s3_bucket": bucket or name,
        "s3_access_key": servers.minio.access_key,
        "s3_secret_key": servers.minio.secret_key,
        "kafka_session_timeout_s": SESSION_TIMEOUT_S,
    }
    world = World(folder, {**_values(folder), "prefix": f"{name}.", "backend": backend})
    with world.backend() as opened:
        opened.log.apply(partitions)
    return world


def deliver_to(world: World, url: str) -> None:
    """Lets the uploader of this world deliver to the forgetful host instead of a folder."""
    world.environment["FORGETFUL_URL"] = url
    world.values["destinations"] = [{"type": "dataset", "name": "forgetful", "folder": str(world.folder / "unused")}]
