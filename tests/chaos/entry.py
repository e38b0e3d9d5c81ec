"""A service as a process that dies by SIGKILL right after a named step.

`python -m tests.chaos.entry SERVICE [STEP NTH VICTIM]`: SERVICE is inference, shadow, sampler, feedback, uploader or embedded
(all of them in one process). STEP is `module:Class.method`; the process kills itself after the NTH call that had something
to do for VICTIM. With FORGETFUL_URL the uploader delivers to the tests' host. Shipped code knows nothing of it.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from services.feedback.config import FeedbackConfig
from services.feedback.server import serve
from services.inference.config import InferenceConfig
from services.inference.opening import prepared
from services.inference.shadow import shadow_of
from services.sampler.config import SamplerConfig
from services.sampler.service import SamplerService
from services.uploader.config import UploaderConfig
from services.uploader.destinations import register
from services.uploader.service import UploaderService
from shared.bootstrap import load_from_environment, open_backend, run, until_signal
from shared.runtime.worker import Worker
from shared.settings import Settings
from shared.streams.record import NewRecord
from shared.telemetry import logs
from tests.hosts.forgetful import Forgetful, ForgetfulOptions

CHANGES = {"poll": "positions", "commit": "committed", "mark_done": "_ends"}
"""What a step without arguments changes when it had something to do."""
NEVER_IDLE = {"outcome"}


def die_after(step: str, nth: int, victim: str) -> None:
    """Wraps the step: the nth call that had something to do is the process's last."""
    module_name, _, qualified = step.partition(":")
    class_name, _, method_name = qualified.partition(".")
    owner = getattr(importlib.import_module(module_name), class_name)
    original = getattr(owner, method_name)
    calls = count(1)

    def wrapped(self: Any, *args: Any) -> Any:
        ours = victim in works_for(self, args)
        busy, before = has_work(self, method_name, args), state(self, method_name)
        result = original(self, *args)
        if ours and (busy or state(self, method_name) != before) and next(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method_name, wrapped)


def works_for(owner: Any, args: tuple[Any, ...]) -> tuple[str, ...]:
    """The services that a call may belong to: in the embedded process all four use the same worker and producer."""
    if isinstance(owner, Worker):
        return (owner.service.name,)
    if args and isinstance(args[0], NewRecord):
        return ("feedback",) if args[0].stream == "verdicts" else ()
    return ("inference", "sampler", "uploader", "feedback")


def has_work(owner: Any, method: str, args: tuple[Any, ...]) -> bool:
    if method in NEVER_IDLE:
        return True
    return bool(args[0]) if args else method == "handle" and bool(owner.batch)


def state(owner: Any, method: str) -> Any:
    return dict(getattr(owner, CHANGES[method])) if method in CHANGES else None


def uploader_config(settings: Settings) -> UploaderConfig:
    config = settings.read(UploaderConfig)
    url = os.environ.get("FORGETFUL_URL")
    if not url:
        return config
    register(ForgetfulOptions, Forgetful)
    return config.model_copy(update={"destinations": (ForgetfulOptions(url=url),)})


def inference(settings: Settings) -> None:
    with open_backend(settings) as backend:
        run(prepared(settings.read(InferenceConfig))(backend), backend)


def shadow(settings: Settings) -> None:
    config = shadow_of(settings)
    assert config is not None, "the world's settings name no shadow"
    with open_backend(settings) as backend:
        run(prepared(config)(backend), backend)


def sampler(settings: Settings) -> None:
    with open_backend(settings) as backend:
        run(SamplerService(settings.read(SamplerConfig), backend), backend)


def uploader(settings: Settings) -> None:
    with open_backend(settings) as backend:
        run(UploaderService(uploader_config(settings), backend.log, backend.images, backend.clock), backend)


def feedback(settings: Settings) -> None:
    with open_backend(settings) as backend, until_signal() as stop:
        serve(settings.read(FeedbackConfig), backend, stop)


def embedded(settings: Settings) -> None:
    from services import embedded as all_four

    vars(all_four)["UploaderService"] = lambda _, *rest: UploaderService(uploader_config(settings), *rest)
    with until_signal() as stop, all_four.running(settings) as running:
        while not stop.wait(0.05) and not running.stop.is_set():
            pass


SERVICES: dict[str, Callable[[Settings], None]] = {
    "inference": inference,
    "shadow": shadow,
    "sampler": sampler,
    "uploader": uploader,
    "feedback": feedback,
    "embedded": embedded,
}


def main(service: str, step: str = "", nth: str = "1", victim: str = "") -> None:
    logs.configure(service)
    if step:
        die_after(step, int(nth), victim or service)
    SERVICES[service](load_from_environment())


if __name__ == "__main__":
    main(*sys.argv[1:])
