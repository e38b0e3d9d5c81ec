"""Model: does it load, what does it see, and is this machine fast enough for the cameras there are?"""

from collections.abc import Iterator
from contextlib import closing
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.surroundings import named
from services.inference.config import InferenceConfig
from services.sources.config import SourcesConfig
from shared.errors import SettingsError, Unavailable
from shared.imaging import encode_jpeg
from shared.models.config import ModelConfig
from shared.settings import Settings

if TYPE_CHECKING:
    from services.inference.plan import Plan
    from shared.models.model import Model

MEASURED_S = 1.5
OTHER_FILE = "name a file that works: `model.path`"
OTHER_RELEASE = "`gleaner models rollback`, or push one that works"


def model(settings: Settings) -> Iterator[Finding]:
    if "model" not in settings.values:
        yield warning(
            "model", "none is named: inference cannot start", "write `model: {path: best.onnx}`, or `gleaner init`"
        )
        return
    config = settings.read(InferenceConfig)
    if config.model is None:
        yield ok("model", "none, as the settings say")
    elif config.local_model is not None:
        yield from _looked_at(settings, config, config.local_model, str(config.local_model.path), OTHER_FILE)
    else:
        yield from _released(settings, config, config.model)


def _released(settings: Settings, config: InferenceConfig, model: ModelConfig) -> Iterator[Finding]:
    """The live release, fetched as a service does."""
    from services.cli.models.bucket import live_release

    with TemporaryDirectory(prefix="gleaner-doctor-") as folder:
        try:
            path = live_release(settings, model.id, Path(folder))
        except SettingsError as error:
            yield wrong("model", str(error), f"push one that works: `gleaner models push best.onnx --id {model.id}`")
        except Unavailable as error:
            yield wrong("model", f"the newest release of {model.id} cannot be fetched: {error}", "see the image buffer")
        else:
            of_release = model.model_copy(update={"path": path})
            yield from _looked_at(settings, config, of_release, f"the newest release of {model.id}", OTHER_RELEASE)


def _looked_at(
    settings: Settings, config: InferenceConfig, model: ModelConfig, what: str, instead: str
) -> Iterator[Finding]:
    from services.inference.plan import Plan
    from shared.models.model import Model

    try:
        plan = Plan.of(config.inference)
        loaded = Model(model, plan.engine)
    except SettingsError as error:
        of_provider = str(error).startswith("inference.")
        todo = "`provider: auto` takes what is there" if of_provider else instead
        yield wrong("model", str(error), todo)
        return
    yield ok("model", f"{what}: {named(loaded.names)}, {loaded.family.name}, version {loaded.version}")
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
