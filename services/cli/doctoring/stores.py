"""Stores: do log, state store and image buffer answer, and are they as they should be?

Promises: makes no data folder and no topic; joins no group; works beside a running gleaner.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.doctoring.log import has_log
from shared.bootstrap import open_backend, open_log
from shared.errors import Unavailable
from shared.ports import Images, Log, State
from shared.settings import ClusterBackend, EmbeddedBackend, Settings

SMALL_FILES = ("salt", "state.db", "images")
"""What a data folder has once a service has worked in it; opening a backend would make them."""


def last_stop(settings: Settings) -> Iterator[Finding]:
    """Looked at before anybody opens the log, which tidies up."""
    at = settings.common.backend
    if not isinstance(at, EmbeddedBackend) or not (at.folder / "log" / "log.db-wal").exists():
        return
    if not _is_locked(at.folder / f"{settings.common.prefix}running.lock"):
        found = "a gleaner in this data folder was killed or lost its power; what it had accepted is all there"
        yield warning("last stop", found, "stop it with Ctrl-C or SIGTERM, and give it 30 s")


def stores(settings: Settings) -> Iterator[Finding]:
    at = settings.common.backend
    if isinstance(at, EmbeddedBackend) and not has_log(settings):
        yield ok("stores", f"nothing in {at.folder} yet: the first run makes it")
        return
    try:
        yield from _look(settings, at)
    except Unavailable as error:  # it cannot even be opened
        yield wrong(error.dependency, str(error), _todo(error.dependency, at))


def _look(settings: Settings, at: EmbeddedBackend | ClusterBackend) -> Iterator[Finding]:
    with open_log(settings) as log:
        answer = _answer("log", at, log.ping)
        yield answer
        yield from _stream_faults(log) if answer.state == "ok" else ()
    if isinstance(at, EmbeddedBackend) and not all((at.folder / name).exists() for name in SMALL_FILES):
        return
    with open_backend(settings) as backend:
        yield from _set_up("state store", at, backend.state)
        yield from _set_up("image buffer", at, backend.images)


def _set_up(store: str, at: EmbeddedBackend | ClusterBackend, port: State | Images) -> Iterator[Finding]:
    answer = _answer(store, at, port.ping)
    yield answer
    for fault in port.check() if answer.state == "ok" else ():
        yield warning(
            store, fault, "nothing that was chosen is lost by it; docs/compose.md shows a server set up as it should be"
        )


def _answer(store: str, at: EmbeddedBackend | ClusterBackend, ping: Callable[[], None]) -> Finding:
    try:
        ping()
    except Unavailable as error:
        return wrong(store, str(error), _todo(store, at))
    return ok(store, f"answers ({_where(store, at)})")


def _stream_faults(log: Log) -> Iterator[Finding]:
    """As `gleaner topics check` finds them."""
    faults = log.check()
    for fault in faults:
        yield wrong(
            "streams", fault, "`gleaner topics apply` makes what is missing; docs/streams.md says how they should be"
        )
    if not faults:
        yield ok("streams", "every stream is as it should be")


def _where(store: str, at: EmbeddedBackend | ClusterBackend) -> str:
    if isinstance(at, EmbeddedBackend):
        return str(at.folder)
    return {"log": at.kafka, "state store": "backend.redis", "image buffer": f"{at.s3}, bucket {at.s3_bucket}"}[store]


def _todo(store: str, at: EmbeddedBackend | ClusterBackend) -> str:
    if isinstance(at, EmbeddedBackend):
        return f"look at the disk of {at.folder}; copy the folder away before anything else"
    setting = {"log": "kafka", "state store": "redis", "image buffer": "s3"}[store]
    return f"start the server, or correct `backend.{setting}`; from a container, `localhost` is the container itself"


def _is_locked(file: Path) -> bool:
    """Whether somebody holds the lock, by Linux's list of locks: to try it could refuse a gleaner that starts just now."""
    try:
        inode = file.stat().st_ino
        held = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    return any(line.split()[1:2] == ["FLOCK"] and line.split()[5].endswith(f":{inode}") for line in held)
