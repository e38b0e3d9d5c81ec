"""Bootstrap: the only file that names an adapter. Settings in, an open backend out, and a service run on it.

Promises: adapters are imported when they are needed, so that each service installs only its own.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import SettingsError
from shared.ports import Clock, Images, Log, Objects, State
from shared.runtime import health as health_server
from shared.runtime.clock import SystemClock
from shared.runtime.health import AllHealthy, Health, Pages
from shared.runtime.lifecycle import Stop, as_process, until_signal
from shared.runtime.listening import cannot_listen
from shared.runtime.pixels import FramePixels
from shared.runtime.service import Service
from shared.runtime.worker import Worker
from shared.settings import ClusterBackend, Common, EmbeddedBackend, Settings, load
from shared.telemetry import logs

SALT_BYTES = 32
MIN_SALT_CHARS = 16
_ELSEWHERE = "let the user that runs Gleaner write there, or name another folder (`gleaner run --data FOLDER`)"

__all__ = [
    "OpenBackend",
    "alone",
    "as_process",
    "load_from_environment",
    "open_backend",
    "open_images",
    "open_log",
    "open_objects",
    "run",
    "run_until",
    "serving_health",
    "until_signal",
]


@dataclass(frozen=True, slots=True)
class OpenBackend:
    """The adapters that go together, opened, and what every service must know."""

    common: Common
    log: Log
    state: State
    images: Images
    objects: Objects
    clock: Clock
    salt: bytes
    settings_version: str
    settings: Settings = field(default_factory=lambda: Settings({}))
    """As they were at the start; `Live` follows their file."""

    @property
    def pixels(self) -> FramePixels:
        """How frames are read, those too that lie elsewhere."""
        return FramePixels(self.objects, self.common.references, self.clock)


def load_from_environment() -> Settings:
    """The settings file that GLEANER_SETTINGS names; without it `gleaner.yaml` here, if there is one, else the defaults."""
    named = os.environ.get("GLEANER_SETTINGS")
    usual = Path("gleaner.yaml")
    return load(Path(named) if named else usual if usual.exists() else None)


@contextmanager
def open_backend(settings: Settings) -> Iterator[OpenBackend]:
    """Opens log, state store, image buffer and object store; closes them however it ends."""
    common = settings.common
    backend = (
        _embedded(common.backend, settings)
        if isinstance(common.backend, EmbeddedBackend)
        else _cluster(common.backend, settings)
    )
    try:
        yield backend
    finally:
        for port in (backend.log, backend.state, backend.images, backend.objects):
            port.close()


def run(service: Service, backend: OpenBackend) -> None:
    """Runs a service until SIGTERM or SIGINT: the whole life of its process."""
    logs.configure(service.name)
    with until_signal() as stop:
        run_until(stop, service, backend)


def run_until(stop: Stop, service: Service, backend: OpenBackend, health: Health | None = None) -> None:
    """Runs a service until the stop, with its health page where the settings want one and nobody else serves it."""
    own = health or Health()
    if service.live is not None:
        own.settings = service.live.told
    with nullcontext() if health else serving_health(backend.common, own):
        Worker(service, backend.log, stop, own).run()


@contextmanager
def serving_health(common: Common, health: Health | AllHealthy, pages: Pages | None = None) -> Iterator[None]:
    """The health page of the settings while the block runs; nothing when they want none. Raises SettingsError."""
    at = common.health
    if not at.port:
        yield
        return
    try:
        server = health_server.serve(health, at.host, at.port, pages)
    except OSError as error:
        raise SettingsError(cannot_listen("health", at.host, at.port, error)) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def open_log(settings: Settings) -> Iterator[Log]:
    """The log alone, for whoever looks or publishes: needs neither salt nor the other stores."""
    at = settings.common.backend
    log = _segment_log(at, settings.common) if isinstance(at, EmbeddedBackend) else _kafka_log(at, settings.common)
    try:
        yield log
    finally:
        log.close()


@contextmanager
def open_images(settings: Settings) -> Iterator[Images]:
    """The image buffer alone, where models lie too: for whoever looks there, or releases one."""
    at, prefix = settings.common.backend, settings.common.prefix
    images = _file_images(at, prefix) if isinstance(at, EmbeddedBackend) else _minio_images(at, prefix)
    try:
        yield images
    finally:
        images.close()


@contextmanager
def open_objects(settings: Settings) -> Iterator[Objects]:
    """The object store alone, for whoever publishes by reference."""
    at = settings.common.backend
    objects = _file_objects(at) if isinstance(at, EmbeddedBackend) else _minio_objects(at)
    try:
        yield objects
    finally:
        objects.close()


@contextmanager
def alone(common: Common) -> Iterator[None]:
    """All four services at once, in one process per data folder: a second one's would share its work under other settings.

    Raises SettingsError when somebody else is at it. The kernel lets go when the process ends, however it ends.
    """
    from shared.adapters.embedded.lock import try_lock

    at = common.backend
    if not isinstance(at, EmbeddedBackend):
        yield
        return
    with (_writable(at.folder) / f"{common.prefix}running.lock").open("w") as file:
        if not try_lock(file.fileno()):
            raise SettingsError(f"another gleaner works in {at.folder}: wait for it, or name another folder (--data)")
        yield


def _embedded(at: EmbeddedBackend, settings: Settings) -> OpenBackend:
    from shared.adapters.embedded.sqlite_state import SqliteState

    common = settings.common
    log = _segment_log(at, common)
    salt = common.salt.get_secret_value() if common.salt else _salt_file(at.folder / "salt")
    return OpenBackend(
        common=common,
        log=log,
        state=SqliteState(at.folder / "state.db", prefix=common.prefix),
        images=_file_images(at, common.prefix),
        objects=_file_objects(at),
        clock=SystemClock(),
        salt=_checked(salt),
        settings_version=settings.version,
        settings=settings,
    )


def _cluster(at: ClusterBackend, settings: Settings) -> OpenBackend:
    from shared.adapters.cluster.redis_state import RedisState

    common = settings.common
    if common.salt is None:
        raise SettingsError(
            "the cluster backend needs `salt` (or `salt_file`) in the settings: a secret that all samplers share"
        )
    return OpenBackend(
        common=common,
        log=_kafka_log(at, common),
        state=RedisState(at.redis.get_secret_value(), prefix=common.prefix),
        images=_minio_images(at, common.prefix),
        objects=_minio_objects(at),
        clock=SystemClock(),
        salt=_checked(common.salt.get_secret_value()),
        settings_version=settings.version,
        settings=settings,
    )


def _segment_log(at: EmbeddedBackend, common: Common) -> Log:
    from shared.adapters.embedded.segment_log import SegmentLog

    log = SegmentLog(_writable(at.folder) / "log", prefix=common.prefix)
    log.apply()
    return log


def _kafka_log(at: ClusterBackend, common: Common) -> Log:
    from shared.adapters.cluster.kafka_log import KafkaLog

    return KafkaLog(at.kafka, prefix=common.prefix, session_timeout_s=at.kafka_session_timeout_s)


def _file_images(at: EmbeddedBackend, prefix: str) -> Images:
    from shared.adapters.embedded.file_images import FileImages

    return FileImages(_writable(at.folder) / "images", prefix=prefix)


def _minio_images(at: ClusterBackend, prefix: str) -> Images:
    from shared.adapters.cluster.minio_images import MinioImages

    key, secret = at.s3_access_key.get_secret_value(), at.s3_secret_key.get_secret_value()
    return MinioImages(at.s3, key, secret, at.s3_bucket, prefix=prefix, region=at.s3_region)


def _file_objects(at: EmbeddedBackend) -> Objects:
    from shared.adapters.embedded.file_objects import FileObjects

    return FileObjects(at.folder / "objects")


def _minio_objects(at: ClusterBackend) -> Objects:
    from shared.adapters.cluster.minio_objects import MinioObjects

    return MinioObjects(at.s3, at.s3_access_key.get_secret_value(), at.s3_secret_key.get_secret_value(), at.s3_region)


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"backend.folder: cannot make {folder}: {error.strerror}; {_ELSEWHERE}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(f"backend.folder: no permission to write in {folder}; {_ELSEWHERE}")
    return folder


def _salt_file(path: Path) -> str:
    """The salt of a data folder, made whole on its first use; of two processes that make it at once, one wins."""
    if not path.exists():
        own = path.with_name(f"salt.{secrets.token_hex(8)}")  # threads share a pid
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(SALT_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(own, path)
        own.unlink()
    return path.read_text().strip()


def _checked(salt: str) -> bytes:
    if len(salt) < MIN_SALT_CHARS:
        raise SettingsError(f"salt: expected at least {MIN_SALT_CHARS} characters of a secret, got {len(salt)}")
    return salt.encode()
