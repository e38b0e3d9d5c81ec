"""All four services in one process on the embedded adapters: what a single box runs, in production and in the demo.

Promises: the same services as in the cluster, each on its own thread with a backend of its own, shadow and cameras beside them;
when one of them fails, all stop and its error is raised. `drained` says when everything published has gone all the way through.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from services.feedback.config import FeedbackConfig
from services.feedback.server import listen, serve, url
from services.inference.config import InferenceConfig, ShadowsConfig
from services.inference.opening import Opens, prepared
from services.inference.shadow import shadow_of
from services.sampler.config import SamplerConfig
from services.sampler.service import SamplerService
from services.sources.cameras.fleet import Fleet
from services.sources.page import pages
from services.uploader.config import UploaderConfig
from services.uploader.service import UploaderService
from shared.bootstrap import OpenBackend, alone, open_backend, run_until, serving_health
from shared.errors import GleanerError, SettingsError
from shared.ports.log import Log
from shared.runtime.health import DEAD_LETTERS, AllHealthy, Health
from shared.runtime.lifecycle import Stop
from shared.settings import Settings
from shared.streams.groups import reads, shadow_group
from shared.telemetry import logs

Life = Callable[[OpenBackend, Stop], None]


class Flooded(GleanerError):
    """A service reads no more, since half of what it read last were dead letters."""


@dataclass
class Running:
    """The four services while they run. `feedback_url` is where verdicts are posted."""

    stop: Stop
    feedback_url: str
    threads: list[threading.Thread] = field(default_factory=list)
    failures: list[tuple[str, BaseException]] = field(default_factory=list)
    loops: Mapping[str, Health] = field(default_factory=dict)

    def check(self) -> None:
        """Raises what ended a service, with its name."""
        for name, error in self.failures:
            if isinstance(error, GleanerError):
                raise error
            raise RuntimeError(f"{name} stopped: {error!r}") from error

    def check_flood(self) -> None:
        """Raises Flooded when a service has stopped reading: whoever waits for the end of a source would wait for ever."""
        for name, health in self.loops.items():
            if health.blocked_by == DEAD_LETTERS:
                raise Flooded(
                    f"{name} stopped: half of what it read last were dead letters; see `gleaner dead-letters`"
                )


@contextmanager
def running(settings: Settings, drain_s: float = 30.0, cameras: Fleet | None = None) -> Iterator[Running]:
    """Starts the four services, and the cameras if there are any; hands over while they run, drains and stops them."""
    with alone(settings.common):
        loops = {name: Health() for name in groups(settings)}
        services, feedback_url = _all_alive(settings, loops)
        if cameras is not None:
            services["sources"] = partial(_watch, cameras)
        all_of_them = Running(Stop(), feedback_url, loops=loops)
        for name, life in services.items():
            thread = threading.Thread(target=_live, args=(name, life, settings, all_of_them), name=name, daemon=True)
            all_of_them.threads.append(thread)
            thread.start()
        try:
            with _serving_health(settings, loops, cameras):
                yield all_of_them
        finally:
            all_of_them.stop.set()
            for thread in all_of_them.threads:
                thread.join(drain_s)
    all_of_them.check()


def _serving_health(
    settings: Settings, loops: Mapping[str, Health], cameras: Fleet | None
) -> AbstractContextManager[None]:
    health = AllHealthy([*loops.values(), *([cameras.health] if cameras else [])])
    return serving_health(settings.common, health, pages(cameras) if cameras else None)


def groups(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """Who reads what, with the shadow of these settings."""
    shadow = settings.read(ShadowsConfig).shadow
    return reads([] if shadow is None else [shadow.model_id])


def drained(log: Log, readers: Mapping[str, tuple[str, ...]] | None = None) -> bool:
    """Has every record gone through every service? Looked at in the order of the flow, so yes means yes.

    `readers`: those of `groups`; the four services alone where nobody says.
    """
    wanted = (readers or reads()).items()
    return all(_read_to_the_end(log, group, stream) for group, streams in wanted for stream in streams)


def _read_to_the_end(log: Log, group: str, stream: str) -> bool:
    committed = log.committed(group, stream)
    return not any(
        _holds_any(log, stream, number, max(bounds.start, committed.get(number, 0)), bounds.end)
        for number, bounds in log.bounds(stream).items()
    )


def _holds_any(log: Log, stream: str, partition: int, start: int, end: int) -> bool:
    """Whether there are records in [start, end): after an unclean stop an end may lie ahead of the last record."""
    if start >= end:
        return False
    with closing(log.reader()) as reader:
        return next(iter(reader.scan(stream, partition, start, end)), None) is not None


def _all_alive(settings: Settings, loops: Mapping[str, Health]) -> tuple[dict[str, Life], str]:
    """Every service's life, and feedback's address. Settings are validated here, before anything starts."""
    sampler, uploader = settings.read(SamplerConfig), settings.read(UploaderConfig)
    feedback, models = settings.read(FeedbackConfig), _models(settings)
    listening = listen(feedback.feedback)
    lives: dict[str, Life] = {
        **{name: _predicting(opens, loops[name]) for name, opens in models.items()},
        "sampler": lambda backend, stop: run_until(stop, SamplerService(sampler, backend), backend, loops["sampler"]),
        "uploader": lambda backend, stop: run_until(
            stop, UploaderService(uploader, backend.log, backend.images, backend.clock), backend, loops["uploader"]
        ),
        "feedback": lambda backend, stop: serve(feedback, backend, stop, listening),
    }
    return lives, url(listening)


def _models(settings: Settings) -> dict[str, Opens]:
    """By group: the live model, and the shadow if there is one."""
    config, shadow = settings.read(InferenceConfig), shadow_of(settings)
    if config.model is not None and config.model.role == "shadow":
        raise SettingsError("model.role: a shadow runs beside a live model; on one box it stands below `shadow`")
    models = {"inference": prepared(config)}
    if shadow is not None and shadow.model is not None:
        models[shadow_group(shadow.model.model_id)] = prepared(shadow)
    return models


def _predicting(opens: Opens, health: Health) -> Life:
    return lambda backend, stop: run_until(stop, opens(backend), backend, health)


def _watch(cameras: Fleet, backend: OpenBackend, stop: Stop) -> None:
    """Files end, and the services go on."""
    cameras.run(backend.log, stop)
    stop.wait()


def _live(name: str, life: Life, settings: Settings, all_of_them: Running) -> None:
    try:
        with open_backend(settings) as backend:
            life(backend, all_of_them.stop)
    except BaseException as error:  # noqa: BLE001  whatever ends one service ends them all, and is raised by `check`
        logs.get().error("service.failed", failed=name, why=repr(error))
        all_of_them.failures.append((name, error))
    finally:
        all_of_them.stop.set()
