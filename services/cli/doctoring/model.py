"""Model: does it load, what does it see, and is this machine fast enough for the cameras there are?"""

from collections.abc import Iterator
from contextlib import closing
from itertools import repeat
from typing import TYPE_CHECKING

from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.surroundings import named
from services.inference.config import InferenceConfig
from services.sources.config import SourcesConfig
from shared.errors import SettingsError
from shared.imaging import encode_jpeg
from shared.settings import Settings

if TYPE_CHECKING:
    from services.inference.models.engine import Plan
    from services.inference.models.model import Model

MEASURED_S = 1.5


def model(settings: Settings) -> Iterator[Finding]:
    if "model" not in settings.values:
        yield warning(
            "model", "none is named: inference cannot start", "write `model: {path: best.onnx}`, or `gleaner init`"
        )
        return
    config = settings.read(InferenceConfig)
    if config.local_model is None:
        why = "none, as the settings say" if config.model is None else f"the newest release of {config.model.model_id}"
        yield ok("model", why)
        return
    from services.inference.models.engine import Plan
    from services.inference.models.model import Model

    try:
        plan = Plan.of(config.inference)
        loaded = Model(config.local_model, plan.engine)
    except SettingsError as error:
        of_provider = str(error).startswith("inference.")
        todo = "`provider: auto` takes what is there" if of_provider else "name a file that works: `model.path`"
        yield wrong("model", str(error), todo)
        return
    yield ok(
        "model", f"{config.local_model.path}: {named(loaded.names)}, {loaded.family.name}, version {loaded.version}"
    )
    yield _pace(loaded, plan, _wanted_fps(settings))


def _pace(model: "Model", plan: "Plan", wanted_fps: float) -> Finding:
    """Of grey frames, decoding included, in all lanes at once."""
    from services.inference.batching import Lanes
    from services.inference.pace import frames_per_s

    with closing(Lanes(model, plan)) as lanes:
        able_fps = frames_per_s(lanes, repeat(encode_jpeg(model.blank())), MEASURED_S)
    said = (
        f"about {_rounded(able_fps)} frames/s on this machine (provider: {plan.engine.kind}, lanes: {plan.lanes}, "
        f"threads of each: {plan.engine.threads})"
    )
    if wanted_fps > able_fps:
        todo = "lower `fps` of the cameras, export a smaller input size, or let another machine predict"
        return warning("model speed", f"{said}; the cameras bring up to {wanted_fps:,.0f}", todo)
    return ok("model speed", said + (f"; the cameras bring up to {wanted_fps:g}" if wanted_fps else ""))


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _wanted_fps(settings: Settings) -> float:
    try:
        return sum(camera.fps for camera in settings.read(SourcesConfig).sources.cameras.values())
    except SettingsError:  # said by the check of the settings
        return 0.0
