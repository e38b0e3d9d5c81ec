"""`gleaner known`: images that a team has already, so that they are not collected again: `add`, `status`, `clear`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import has_data, settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.sampler.known import Learned
    from shared.ports import State
    from shared.settings import Settings

known = typer.Typer(name="known", help="Images you have already: add, status, clear.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
InCollection = Annotated[
    str | None, typer.Option("--collection", help="Whose images; by default the settings' first collection.")
]


@known.command()
def add(
    ctx: typer.Context,
    datasets: Annotated[list[Path], typer.Argument(metavar="DATASET", help="Folders of images, or images.")],
    collection: InCollection = None,
    as_json: AsJson = False,
) -> None:
    """Make the images of a dataset known. Folders are entered; adding one again changes nothing."""
    from services.sampler.known import image_files, learn

    name, settings = _collection(ctx, collection)
    files = _present(datasets, image_files)
    with _state(settings) as state, _progress_bar(len(files)) as on_progress:
        learned = learn(state, name, files, on_progress)
        held = state.known(_key(name))
    if not learned.images:
        raise SettingsError(f"none of {len(files):,} images could be read; the first: {learned.unreadable[0]}")
    _report(learned, name, held, as_json)


@known.command()
def status(ctx: typer.Context, collection: InCollection = None, as_json: AsJson = False) -> None:
    """Say how many images are known."""
    name, settings = _collection(ctx, collection)
    held = 0
    if has_data(settings):
        with _state(settings) as state:
            held = state.known(_key(name))
    if as_json:
        output.show_json({"collection": name, "known": held})
        return
    output.say(f"{held:,} images are known in collection {name}")


@known.command()
def clear(
    ctx: typer.Context,
    collection: InCollection = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget all known images. Their files stay where they are."""
    name, settings = _collection(ctx, collection)
    if not has_data(settings):
        raise SettingsError("there is nothing to forget: no data yet")
    with _state(settings) as state:
        held = state.known(_key(name))
        if held and not yes:
            typer.confirm(f"Forget {held:,} known images of collection {name}?", abort=True, err=True)
        state.forget(_key(name))
    if as_json:
        output.show_json({"collection": name, "forgotten": held})
        return
    output.say(f"forgotten: {held:,} images of collection {name}")


def _collection(ctx: typer.Context, name: str | None) -> "tuple[str, Settings]":
    """One of the settings' collections. Raises SettingsError, with the names there are."""
    from services.sampler.config import SamplerConfig

    settings = settings_of(ctx)
    names = [each for each, _ in settings.read(SamplerConfig).all_collections()]
    if name is not None and name not in names:
        raise SettingsError(f"--collection: expected one of the settings ({', '.join(names)}), got {name!r}")
    return name or names[0], settings


def _key(collection: str) -> str:
    from shared.streams import keys

    return keys.known_key(collection)


def _present(datasets: list[Path], image_files: Callable[[list[Path]], list[Path]]) -> list[Path]:
    """Their images. Raises SettingsError where something is not there, or holds none."""
    for path in datasets:
        if not path.exists():
            raise SettingsError(f"expected a folder of images or an image, got {path}: there is none")
    files = image_files(datasets)
    if not files:
        raise SettingsError(f"no images (JPEG, PNG, WebP, BMP, TIFF) in {', '.join(map(str, datasets))}")
    return files


@contextmanager
def _state(settings: "Settings") -> "Iterator[State]":
    from shared.bootstrap import open_backend
    from shared.telemetry import logs

    logs.configure("gleaner", "WARNING")
    with open_backend(settings) as backend:
        yield backend.state


@contextmanager
def _progress_bar(total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("looking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking", total=total)
        yield lambda done: bar.advance(task, done)


def _report(learned: "Learned", collection: str, held: int, as_json: bool) -> None:
    for one in learned.unreadable:
        output.note(f"unreadable: {one}")
    if as_json:
        counts = {"collection": collection, "images": learned.images, "new": learned.new, "known": held}
        output.show_json({**counts, "unreadable": [str(one) for one in learned.unreadable]})
        return
    unreadable = f", {len(learned.unreadable):,} unreadable" if learned.unreadable else ""
    output.say(
        f"{learned.images:,} images looked at, {learned.new:,} new{unreadable}; {held:,} are known in collection {collection}"
    )
