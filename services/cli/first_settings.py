"""The first settings file: commented YAML that says what would hold without it, and what was found on this machine.

Promises: every value that was not found out is read from the settings models, and every explanation too, so neither can be
out of date. Nothing secret is written: cameras name variables.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from services.cli.cameras.line import Line
from services.cli.output import printable
from services.cli.surroundings import ModelFacts
from services.feedback.config import FeedbackConfig, FeedbackOptions
from services.sampler.config import Review, SamplerConfig
from services.sources.config import CameraDefaults
from services.uploader.config import UploaderConfig
from shared.models.config import ModelConfig
from shared.settings import Common, EmbeddedBackend, HealthConfig

WIDE = 120
HEAD = """Settings of this Gleaner, made by `gleaner init`. What stands here is what would hold without it, but for the lines
that say "found". `gleaner check` shows what is in effect. Every setting there is: docs/settings.md.
Secrets come from the environment, ${VARIABLE}, or from a file: `password_file: camera.secret`."""
CAMERAS = (
    "One line per camera, `NAME: ADDRESS`, or a section where it needs more; what it leaves out stands in `defaults`."
)
EXAMPLES = """front-door: {url: "rtsp://front-door.example/stream1", user: viewer, password: "${CAMERA_PASSWORD}"}
yard: http://yard.example/mjpeg
desk: /dev/video0
rehearsal: {url: street.mp4, loop: true}"""
REVIEW = "What people can look at, over all sources. The strategies share it, each keeps the best that it sees."
STRATEGIES = "Which frames are kept. Each has a part of the review; others: docs/strategies."
ABOUT_STRATEGIES = {
    "random": "the floor: finds what the model never saw, and tells how often it is right",
    "uncertain": "where it was unsure: finds what it sees wrongly",
    "temporal": "where it contradicts the frames before: finds what it misses",
}
LIMITS = "Hard caps: what is drawn beyond them is counted, without its image."
DESTINATIONS = (
    "Where kept frames go. A remote host always needs an explicit line: nothing leaves this machine without one."
)
REMOTE = '- {type: roboflow, api_key: "${ROBOFLOW_API_KEY}", project: my-project}'
NO_MODEL = "No .onnx file was found in this folder. Put yours here and take the # away:"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out. `other_models`: .onnx files that were not taken. Ports are free now."""

    site: str
    timezone: str
    feedback_port: int
    health_port: int
    model: ModelFacts | None = None
    other_models: Sequence[Path] = ()
    cameras: Sequence[Line] = ()


def text(found: Found) -> str:
    """The whole file."""
    blocks = (_commented(HEAD), _site(found), _model(found), _sources(found), _sampling(), _destinations(), _box(found))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _site(found: Found) -> Iterator[str]:
    yield _line("site", found.site, _about(Common, "site") + "; found: this folder's name")
    yield _line("timezone", found.timezone, _about(Common, "timezone") + "; found: this machine's")


def _model(found: Found) -> Iterator[str]:
    if found.model is None:
        yield from _commented(f"{NO_MODEL}\nmodel: {{path: best.onnx}}")
        return
    yield "model:"
    yield "  " + _line("path", str(found.model.path), "found")
    yield from _commented(f"found in it: {found.model}", "  ")
    yield from _commented("\n".join(f"path: {printable(path)}" for path in found.other_models), "  ")
    yield "  " + _default(ModelConfig, "threshold")


def _sources(found: Found) -> Iterator[str]:
    yield from _commented(CAMERAS)
    yield "sources:"
    shown = {name: CameraDefaults.model_fields[name].default for name in ("fps", "transport")}
    yield f"  defaults: {_flow(shown)}  # fps: {_about(CameraDefaults, 'fps')}"
    for camera in found.cameras:
        yield f"  {camera}"
    if not found.cameras:
        yield from _commented(EXAMPLES, "  ")


def _sampling() -> Iterator[str]:
    defaults = SamplerConfig()
    yield from _commented(REVIEW)
    yield _line("review", str(defaults.review.budget), _about(Review, "budget"))
    yield from _commented(STRATEGIES)
    yield from _list("strategies", defaults.strategies, about=ABOUT_STRATEGIES)
    yield from _commented(LIMITS)
    yield from _list("limits", defaults.limits)


def _destinations() -> Iterator[str]:
    yield from _commented(DESTINATIONS)
    yield from _list("destinations", UploaderConfig().destinations, whole=True)
    yield from _commented(REMOTE, "  ")


def _box(found: Found) -> Iterator[str]:
    feedback, health, backend = FeedbackConfig().feedback, HealthConfig(), EmbeddedBackend()
    yield from _commented(
        "Where people's verdicts are posted. For other machines: host 0.0.0.0, and `api_keys: {my-app: ${MY_APP_KEY}}`."
    )
    yield "feedback:"
    yield "  " + _line("host", feedback.host, _about(FeedbackOptions, "host"))
    usual = feedback.port == found.feedback_port
    yield "  " + _line("port", found.feedback_port, "" if usual else f"found: {feedback.port} is taken")
    yield from _commented("Where /livez, /readyz and /metrics are answered. found: a free port")
    yield f"health: {_flow({'host': health.host, 'port': found.health_port})}"
    yield f"backend: {_flow(_set(backend, 'type', 'folder'))}  # {_about(EmbeddedBackend, 'folder')}"


def _list(
    name: str, defaults: Sequence[BaseModel], whole: bool = False, about: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The defaults as lines; `whole`: with what each leaves to its own defaults, but for its name. `about`: by type."""
    yield f"{name}:"
    for one in defaults:
        names = type(one).model_fields.keys() - {"name"} if whole else one.model_fields_set | {"type"}
        said = _set(one, *(field for field in type(one).model_fields if field in names))
        comment = (about or {}).get(said.get("type", ""))
        yield f"  - {_flow(said)}" + (f"  # {comment}" if comment else "")


def _set(model: BaseModel, *names: str) -> dict[str, Any]:
    there = model.model_dump(mode="json", exclude_unset=False)
    return {name: _trimmed(getattr(model, name), there[name]) for name in ("type", *names) if name in there}


def _trimmed(value: Any, dumped: Any) -> Any:
    """Lists of models without what they leave to their defaults."""
    if isinstance(value, tuple) and all(isinstance(one, BaseModel) for one in value):
        return [one.model_dump(mode="json", exclude_unset=True) for one in value]
    return dumped


def _default(model: type[BaseModel], name: str) -> str:
    return _line(name, model.model_fields[name].default, _about(model, name))


def _about(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].description or ""


def _line(name: str, value: Any, about: str) -> str:
    return f"{name}: {_flow(value)}" + (f"  # {about}" if about else "")


def _flow(value: Any) -> str:
    """YAML on one line, keys in their order."""
    dumped = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return dumped.removesuffix("\n").removesuffix("\n...")


def _commented(paragraphs: str, indent: str = "") -> Iterator[str]:
    for paragraph in paragraphs.splitlines():
        fits = len(paragraph) <= WIDE
        for line in [paragraph] if fits else textwrap.wrap(paragraph, WIDE):
            yield f"{indent}# {line}"
