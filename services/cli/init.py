"""`gleaner init`: a commented settings file for this folder, with what can be found out found out.

Promises: asks nothing, writes one file, overwrites none without --force, and never writes a secret. `gleaner run` works with
the file as soon as it names a model.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.cli.first_settings import Found
    from services.cli.surroundings import ModelFacts

SETTINGS = Path("gleaner.yaml")
HEALTH_PORT = 8081


def init(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Cameras: rtsp://…, http://…, /dev/video0, a file."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="The .onnx file; else the newest one in this folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a settings file that is there.")] = False,
) -> None:
    """Write a commented gleaner.yaml. It names your model and your cameras; the rest is the defaults."""
    from services.cli.first_settings import text

    file = ctx.obj or SETTINGS
    if file.exists() and not force:
        raise SettingsError(f"{file} is there already: `gleaner check` reads it, `gleaner init --force` writes over it")
    found = _found(Path.cwd(), sources or [], model)
    _write(file, text(found))
    _say(file, found)


def _found(folder: Path, sources: list[str], wanted: Path | None) -> "Found":
    from services.cli import surroundings
    from services.cli.cameras.lines import camera_lines
    from services.cli.first_settings import Found
    from services.feedback.config import FeedbackConfig
    from shared.settings import HealthConfig

    cameras = camera_lines(sources)
    model, others = _model(folder, wanted)
    feedback = FeedbackConfig().feedback
    feedback_port = surroundings.free_port(feedback.host, feedback.port, taken=(HEALTH_PORT,))
    health_port = surroundings.free_port(HealthConfig().host, HEALTH_PORT, taken=(feedback_port,))
    name, zone = surroundings.site(folder), surroundings.timezone()
    return Found(name, zone, feedback_port, health_port, model, others, cameras)


def _model(folder: Path, wanted: Path | None) -> "tuple[ModelFacts | None, list[Path]]":
    """The model to name, and the .onnx files that were passed over. Only one that was asked for must work."""
    from services.cli import surroundings

    if wanted is not None:
        return surroundings.model_facts(wanted), []
    there = [path.relative_to(folder) for path in surroundings.models(folder)]
    for path in there:
        try:
            return surroundings.model_facts(path), [other for other in there if other != path]
        except SettingsError as error:
            output.note(f"{path} is passed over: {error}")
    _say_how_to_export(folder, there)
    return None, there


def _say_how_to_export(folder: Path, there: list[Path]) -> None:
    """For whoever has trained a model and not exported it yet."""
    from services.cli import surroundings

    newest = [path.relative_to(folder) for path in surroundings.checkpoints(folder)][: 0 if there else 1]
    for path in newest:
        try:
            surroundings.model_facts(path)
        except SettingsError as error:
            output.note(error)


def _write(file: Path, text: str) -> None:
    """Whole or not at all, also on a full disk."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror}; say another place with --settings FILE") from error


def _say(file: Path, found: "Found") -> None:
    output.say(f"wrote {file}: {_summary(found)}")
    for path in found.other_models if found.model else ():
        output.say(f"also here: {path}; the newest was taken, `--model` names another one")
    variables = [name for camera in found.cameras for name in camera.variables]
    if variables:
        output.say(f"before anything else: export {' '.join(f'{name}=…' for name in variables)}")
    if found.model is None:
        output.say("still missing: an exported model; put best.onnx here, and its line into the file")
    output.say("next: `gleaner check` reads the file, `gleaner sources check` shows a picture of each camera")
    output.say("then: `gleaner run --dry-run` shows what would be kept and sent, `gleaner run` does it")


def _summary(found: "Found") -> str:
    model = f"model {found.model.path} with {found.model}" if found.model else "no model yet"
    cameras = ", ".join(camera.name for camera in found.cameras) or "none yet"
    return f"{model}; cameras: {cameras}; time zone {found.timezone}"
