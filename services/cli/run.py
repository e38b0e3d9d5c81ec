"""`gleaner run`: your model, your pictures, this box. Without sources it serves until it is stopped.

Promises: works without a settings file; ends, when it was given files, with a dataset and a contact sheet of it.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.context import settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from shared.settings import Settings, Values

FOR_FILES: dict[str, Any] = {
    "strategies": [
        {"type": "random", "fraction": 0.01},
        {
            "type": "close_to_threshold",
            "epsilon": 0.15,
            "probability": 0.2,
            "limits": [{"most": 300, "per": "day"}],
        },
    ],
    "limits": [{"most": 1000, "per": "day"}],
}
"""Of files, where no settings file says otherwise: shares of the frames, whatever their number."""
BUDGETS_AND_FILES = (
    "every strategy of the settings keeps a budget per time, and files end: few of their frames are kept, or none. "
    "`random` with a `fraction` and others with a `probability` keep a share of the frames"
)


def run(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="image folders, images and video files; or cameras: rtsp://…, http://…, /dev/video0; none: serve",
        ),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="an ONNX model; its class names are read from it")] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="of videos and cameras: at most this many frames per second")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="folder of log, state and image buffer")] = None,
    dataset: Annotated[Path | None, typer.Option(help="folder of the dataset")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="look for a minute and show what would be kept and sent; send nothing")
    ] = False,
    for_s: Annotated[
        float, typer.Option("--for", metavar="SECONDS", min=1, max=3600, help="of a dry run: how long it looks")
    ] = 60.0,
    picture: Annotated[Path, typer.Option(help="of a dry run: the file of its picture")] = Path("dry-run.png"),
) -> None:
    """Collect from pictures and videos, or serve until stopped. Cameras, or whoever publishes, are served."""
    from rich.console import Console

    from services.cli.cameras.on_command_line import told_apart

    console, given = Console(stderr=True), settings_of(context)
    _, files = told_apart(given, sources or (), fps)
    settings = given.laid_over(partial(over, Words(tuple(sources or ()), fps, model, data, dataset), not files))
    if files and given.path is None:
        settings = _for_files(settings, console)
    _refuse_no_model(settings)
    if dry_run:
        from services.cli import dry_run as rehearsal

        rehearsal.dry_run(settings, rehearsal.Wanted(tuple(files), fps, for_s, picture), console)
        return
    _refuse_cluster(settings)
    if files:
        collect(settings, files, fps, console)
    else:
        _serve(settings)


def collect(settings: "Settings", sources: list[Path], fps: float | None, console: "Console") -> None:
    """Streams the sources through and says what was kept."""
    from rich.markup import escape

    from services.cli import kept, output
    from services.cli.through import flowing
    from services.sources.files import expected, in_turns, open_sources
    from shared.telemetry import logs

    logs.configure("run", level="WARNING")
    opened = open_sources(sources, fps=fps)
    if _all_budgets(settings):
        console.print(f"[yellow]note:[/] {BUDGETS_AND_FILES}", soft_wrap=True)
    with flowing(settings, console) as flow:
        published = flow.publish(in_turns(opened), expected(opened))
        found = kept.read(flow.backend.log)
    for complaint in published.complaints:
        console.print(f"[yellow]not published:[/] {escape(output.printable(complaint, 500))}", soft_wrap=True)
    if found.frames > published.frames:
        console.print(f"[dim]{published.frames:,} frames in this run; the table counts all runs in this data folder[/]")
    console.print(kept.table(found))
    _show(settings, console)


def _all_budgets(settings: "Settings") -> bool:
    """Whether everything that is drawn is drawn for a budget."""
    from services.sampler.config import SamplerConfig

    strategies = settings.read(SamplerConfig).strategies
    return bool(strategies) and all(strategy.fixed is None for strategy in strategies)


def _show(settings: "Settings", console: "Console") -> None:
    """The contact sheet of every local dataset."""
    from services.cli.contact_sheet import contact_sheet

    for folder in _dataset_folders(settings):
        if (folder / "_annotations.coco.json").is_file():
            console.print(f"dataset        {folder}")
            try:
                sheet = contact_sheet(folder, folder / "contact-sheet.png")
            except OSError as error:  # the dataset is there all the same
                console.print(f"[yellow]no contact sheet:[/] it cannot be written: {error.strerror}")
                continue
            console.print(f"contact sheet  {sheet}")


def _serve(settings: "Settings") -> None:
    """The services and the cameras of the settings, until a signal; what ends one of them ends all."""
    from services import embedded
    from services.sources.cameras.fleet import Fleet
    from services.sources.config import SourcesConfig
    from shared.bootstrap import until_signal
    from shared.telemetry import logs

    logs.configure("gleaner")
    cameras = settings.read(SourcesConfig).sources.cameras
    fleet = Fleet(cameras) if cameras else None
    with until_signal() as stop, embedded.running(settings, cameras=fleet) as running:
        while not stop.wait(0.2) and not running.stop.is_set():
            pass
    _say_where(settings)


def _say_where(settings: "Settings") -> None:
    """To whoever has just stopped it; counting what came in days of cameras is `gleaner status`."""
    from services.cli import output

    for folder in _dataset_folders(settings):
        output.note(f"dataset        {folder}")
    output.note("stopped; `gleaner status` says what was kept, and where it is")


def _dataset_folders(settings: "Settings") -> list[Path]:
    """Of every local dataset among the destinations."""
    from services.uploader.config import UploaderConfig
    from services.uploader.destinations.dataset import DatasetOptions

    return [one.folder for one in settings.read(UploaderConfig).destinations if isinstance(one, DatasetOptions)]


@dataclass(frozen=True, slots=True)
class Words:
    """What the command line says of the settings."""

    sources: tuple[str, ...]
    fps: float | None
    model: Path | None
    data: Path | None
    dataset: Path | None


def over(words: Words, serving: bool, values: "Values") -> "Values":
    """The settings' values with what the command line says laid over them; over a file that changes meanwhile too."""
    from services.cli.cameras.on_command_line import told_apart
    from shared.settings import Settings

    said: dict[str, Any] = {}
    if words.model is not None:
        said["model"] = {**_section(values, "model"), "path": str(words.model)}
    if words.data is not None:
        said["backend"] = {"type": "embedded", "folder": str(words.data)}
    if words.dataset is not None:
        said["destinations"] = [{"type": "dataset", "folder": str(words.dataset)}]
    if not serving:
        # Nobody knows this run's port beforehand, so any free one does.
        said["feedback"] = {"port": 0, **_section(values, "feedback")}
    return {**told_apart(Settings(values), words.sources, words.fps)[0].values, **said}


def _for_files(settings: "Settings", console: "Console") -> "Settings":
    """Files end: of a minute of video a budget for each day would keep next to nothing."""
    console.print(
        "[dim]no settings file, and files end: 1 frame in 100 is kept at random and 1 in 5 of those near the threshold, "
        "instead of 60 a day[/]",
        soft_wrap=True,
    )
    return settings.laid_over(lambda values: {**FOR_FILES, **values})


def _refuse_no_model(settings: "Settings") -> None:
    if settings.values.get("model") is None:
        raise SettingsError("which model? Say `--model best.onnx`, or `model: {path: best.onnx}` in the settings")


def _section(values: "Values", name: str) -> dict[str, Any]:
    """What stands below a name; nothing where there is nothing, or no section."""
    section = values.get(name)
    return section if isinstance(section, dict) else {}


def _refuse_cluster(settings: "Settings") -> None:
    from shared.settings import EmbeddedBackend

    if not isinstance(settings.common.backend, EmbeddedBackend):
        raise SettingsError(
            "`gleaner run` is for one box (backend: embedded); start the services themselves on a cluster"
        )
