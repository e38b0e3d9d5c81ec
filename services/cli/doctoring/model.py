"""Model: does it load, what does it see, and is this machine fast enough for the cameras there are?"""

import time
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING

from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.surroundings import named
from services.inference.config import InferenceConfig, cores
from services.sources.config import SourcesConfig
from shared.errors import SettingsError
from shared.settings import Settings

if TYPE_CHECKING:
    from services.inference.models.engine import Plan
    from services.inference.models.model import Model

MEASURED_S = 1.5
MOST_RUNS = 50


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

    plan = Plan.of(config.inference)
    try:
        loaded = Model(config.local_model, plan.engine)
    except SettingsError as error:
        yield wrong("model", str(error), "name a file that works: `model.path`")
        return
    yield ok(
        "model", f"{config.local_model.path}: {named(loaded.names)}, {loaded.family.name}, version {loaded.version}"
    )
    yield _pace(median(_frame_times_ms(loaded)), plan, _wanted_fps(settings))


def _frame_times_ms(model: "Model") -> list[float]:
    """Of grey frames, prepared, run and read, one after the other, in one lane."""
    grey, session = model.blank(), model.open_session()
    times_ms: list[float] = []
    deadline_s = time.monotonic() + MEASURED_S
    while not times_ms or (len(times_ms) < MOST_RUNS and time.monotonic() < deadline_s):
        began_s = time.perf_counter()
        prepared = model.prepare(grey)
        model.read(model.run(session, [prepared])[0], prepared)
        times_ms.append(1000 * (time.perf_counter() - began_s))
    return times_ms[1:] or times_ms  # the first one warms up


def _pace(frame_ms: float, plan: "Plan", wanted_fps: float) -> Finding:
    lanes, threads = plan.lanes, plan.engine.threads
    # Lanes share the cores: with a thread of its own each adds its pace, up to the cores there are.
    able_fps = 1000 / frame_ms * min(lanes, max(1, cores() // threads))
    said = (
        f"{frame_ms:.1f} ms per frame; about {able_fps:,.0f} frames/s on this machine "
        f"(lanes: {lanes}, threads of each: {threads})"
    )
    if wanted_fps > able_fps:
        todo = "lower `fps` of the cameras, export a smaller input size, or let another machine predict"
        return warning("model speed", f"{said}; the cameras bring up to {wanted_fps:,.0f}", todo)
    return ok("model speed", said + (f"; the cameras bring up to {wanted_fps:g}" if wanted_fps else ""))


def _wanted_fps(settings: Settings) -> float:
    try:
        return sum(camera.fps for camera in settings.read(SourcesConfig).sources.cameras.values())
    except SettingsError:  # said by the check of the settings
        return 0.0
