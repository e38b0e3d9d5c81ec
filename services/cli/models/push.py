"""`gleaner models push`: a version into the bucket, and live. Whatever could be known beforehand is looked at beforehand.

Promises: nothing is released that does not run here, nor one whose classes the settings do not find; unless told otherwise,
a person sees first what it gains and loses. A push that stops half-way has released nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.cli.models.comparison import Comparison
    from services.inference.models.releases import Manifest, Released, Releases
    from shared.models.config import ModelConfig
    from shared.models.model import Model
    from shared.settings import Settings

EXIT_NOT_LIVE = 1
JUDGED = 100
PICTURE = Path("push.jpg")


def push(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="MODEL", help="The .onnx file, or the folder that holds it.")],
    id_: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Its model id; else the settings', else the file's name.")
    ] = None,
    sidecar: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What the file does not say of itself; pushed with it.")
    ] = None,
    note: Annotated[str, typer.Option(help="What `gleaner models list` shows beside it.")] = "",
    now: Annotated[bool, typer.Option("--now", help="Do not compare it with the live version first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    judged: Annotated[
        int, typer.Option(min=1, max=10_000, help="Compare on so many of the frames judged last.")
    ] = JUDGED,
    picture: Annotated[Path, typer.Option(metavar="FILE", help="Where the comparison's picture goes.")] = PICTURE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Release a model: running services take it over. No frame is lost."""
    from services.cli.models.bucket import bucket_of
    from services.cli.models.fit import check_fit
    from services.inference.models.releases import Releases

    settings = settings_of(ctx)
    model_id = _id(settings, path, id_)
    with bucket_of(settings) as images, _loaded(settings, model_id, path, sidecar) as model:
        releases = Releases(images, model_id)
        live = _live_manifest(releases)
        before = live.names if live else ()
        _check_task(model, live)
        check_fit(settings, model_id, model.names, before)
        _say_classes(model, before, as_json)
        compared = None
        if not now and not _is_live(releases, model):
            compared = _compared(settings, releases, model, judged)
            if compared is not None and not as_json:
                _show(compared, picture)
            _ask(model, yes)
        say_released(settings, releases.push(model, note), model_id, as_json, compared)


def _id(settings: "Settings", path: Path, id_: str | None) -> str:
    from services.cli.models.bucket import live_model
    from shared.models.config import ModelConfig

    live = live_model(settings)
    usual = live.id if live is not None and live.path is None else ""
    try:
        return ModelConfig(path=path, id=id_ or usual).model_id
    except ValueError as error:
        raise SettingsError(f"--id {id_}: expected up to 64 of A-Z a-z 0-9 . _ -") from error


@contextmanager
def _loaded(settings: "Settings", model_id: str, path: Path, sidecar: Path | None) -> "Iterator[Model]":
    """The version as it will be fetched: a copy, loaded and run on a blank image. Raises SettingsError."""
    from services.inference.models.source import FileSource, copied
    from shared.models.engine import Engine
    from shared.models.files import ModelFiles
    from shared.models.model import Model

    # Without its thresholds per class: whether they fit is looked at with everything else that names classes.
    config = _own(settings, model_id).model_copy(update={"path": path, "sidecar": sidecar, "class_thresholds": {}})
    with TemporaryDirectory(prefix="gleaner-push-") as name:
        folder = Path(name)
        try:
            model = Model(copied(ModelFiles.of(path, sidecar), config, folder), Engine())
        except SettingsError as why:
            raise SettingsError(FileSource(config).spoken(str(why), folder)) from why
        yield model


def _own(settings: "Settings", model_id: str) -> "ModelConfig":
    """What the settings say of that model."""
    from services.cli.models.bucket import live_model, shadow_model
    from shared.models.config import ModelConfig

    of = (one for one in (live_model(settings), shadow_model(settings)) if one and one.model_id == model_id)
    return (next(of, None) or ModelConfig(id=model_id)).model_copy(update={"id": model_id})


def _live_manifest(releases: "Releases") -> "Manifest | None":
    live = releases.live()
    if live is None:
        return None
    try:
        return releases.manifest(live.version)
    except SettingsError:  # a push is how one gets out of that
        return None


def _check_task(model: "Model", live: "Manifest | None") -> None:
    """What strategies, pages and destinations were set up for. Raises SettingsError."""
    if live is not None and live.task and live.task != model.task:
        raise SettingsError(
            f"the live version of {model.id} is made to {live.task}, this one to {model.task}: "
            "push it under an id of its own (`--id`)"
        )


def _is_live(releases: "Releases", model: "Model") -> bool:
    live = releases.live()
    return live is not None and live.version == model.version


def _say_classes(model: "Model", before: tuple[str, ...], as_json: bool) -> None:
    from services.cli.models.fit import differences

    differ = differences(model.names, before)
    if differ and not as_json:
        output.note(f"classes differ from the live version's: {differ}")


def _compared(settings: "Settings", releases: "Releases", model: "Model", limit: int) -> "Comparison | None":
    """With the version that runs, on the frames that people judged last; None, and why, where that cannot be.

    A live version that cannot run, or does something else, must not keep out the one that replaces it.
    """
    from services.cli.models.compare import compare

    with TemporaryDirectory(prefix="gleaner-live-") as name:
        try:
            old = _running(settings, releases, Path(name))
            new = _with_thresholds(settings, model.config, model.names)
            return compare(settings, old, new, limit)
        except SettingsError as why:
            output.note(f"not compared: {why}")
            return None


def _show(compared: "Comparison", picture: Path) -> None:
    """A picture that cannot be written is no reason not to release."""
    from services.cli.models import compare_picture, comparison_tables

    comparison_tables.show(compared)
    try:
        if drawn := compare_picture.draw(compared, picture):
            output.say(f"picture: {drawn}")
    except SettingsError as why:
        output.note(f"no picture: {why}")


def _running(settings: "Settings", releases: "Releases", folder: Path) -> "ModelConfig":
    """The live release; before there is any, the file that the settings name. Raises SettingsError."""
    from services.cli.models.bucket import live_model

    live, named = releases.live(), live_model(settings)
    if live is not None:
        names = releases.manifest(live.version).names
        config = _with_thresholds(settings, _own(settings, releases.model_id), names)
        return config.model_copy(update={"path": releases.fetch(live.version, folder), "sidecar": None})
    if named is None or named.path is None or not named.path.exists():
        raise SettingsError("there is no version yet to compare it with")
    return named


def _with_thresholds(settings: "Settings", config: "ModelConfig", names: tuple[str, ...]) -> "ModelConfig":
    """The product's thresholds of the classes that this version has."""
    wanted = _own(settings, config.model_id).class_thresholds
    return config.model_copy(update={"class_thresholds": {n: share for n, share in wanted.items() if n in names}})


def _ask(model: "Model", yes: bool) -> None:
    if not yes and not typer.confirm(f"Release {model.version} of {model.id}?", err=True):
        output.note("not released")
        raise typer.Exit(EXIT_NOT_LIVE)


def say_released(
    settings: "Settings", released: "Released", model_id: str, as_json: bool, compared: "Comparison | None" = None
) -> None:
    """What came of it; exit 1 when another release came in between."""
    if as_json:
        told = {"comparison": compared.told()} if compared is not None else {}
        output.show_json({"model_id": model_id, **output.as_object(released), **told})
    elif not released.new:
        output.say(f"{released.version} of {model_id} is live already")
    elif released.live == released.version:
        output.say(f"{released.version} of {model_id} is live: {_who_runs_it(settings, model_id)}")
    if released.live != released.version:
        output.complain(
            f"{released.live} of {model_id} was released at the same time and is live, not {released.version}: "
            "release again what should be"
        )
        raise typer.Exit(EXIT_NOT_LIVE)


def _who_runs_it(settings: "Settings", model_id: str) -> str:
    """Services whose settings name a file run that file, whatever is released."""
    from services.cli.models.bucket import live_model, shadow_model

    named = [one for one in (live_model(settings), shadow_model(settings)) if one is not None]
    if any(one.path is None and one.model_id == model_id for one in named):
        return "services take it over within model.check_every_s"
    runs = " and ".join(str(one.path or one.model_id) for one in named) or "no model"
    return f"it runs where the settings say `model: {{id: {model_id}}}`; these name {runs}"
