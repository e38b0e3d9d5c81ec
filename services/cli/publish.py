"""`gleaner publish`: image folders, images and videos → frames, with a progress bar."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import log_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.sources.publisher import OnProgress, Published
    from shared.ports import Log


def publish(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Image folders, images, video files.")],
    source_id: Annotated[
        str | None, typer.Option(help="Name of the source; by default the folder's or file's name.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="Frames per second taken from videos; by default all.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Frames per second published, at most; by default as fast as it goes."),
    ] = None,
    loop: Annotated[int, typer.Option(min=1, help="So many rounds; each round's frames are new ones.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Publish images and videos as frames."""
    from services.sources.files import expected, open_sources
    from services.sources.loop import in_rounds
    from services.sources.publisher import publish as publish_pictures
    from services.sources.videos import VideoFile

    sources = open_sources(paths, source_id, fps)
    if fps is not None and not any(isinstance(source, VideoFile) for source in sources):
        output.note("--fps thins videos, and none is among these; --rate says how fast frames are published")
    once = expected(sources)
    total = min((n for n in (None if once is None else once * loop, limit) if n is not None), default=None)
    with log_of(ctx) as log, _progress_bar(total) as on_progress:
        _need_streams(log)
        pictures = islice(in_rounds(sources, loop), limit)
        published = publish_pictures(log, pictures, rate, on_progress)
    _report(published, len(sources), as_json)


def _need_streams(log: "Log") -> None:
    from shared.streams import FRAMES

    if log.partitions(FRAMES.name) == 0:
        raise SettingsError(f"the stream {FRAMES.name} does not exist: `gleaner topics apply` makes the streams")


@contextmanager
def _progress_bar(total: int | None) -> "Iterator[OnProgress]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from services.sources.publisher import Progress as Published

    columns = (
        TextColumn("publishing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[why]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("publishing", total=total, why="")

        def on_progress(so_far: Published) -> None:
            why = f"waiting: {output.printable(so_far.waiting_for, 80)}" if so_far.waiting_for else ""
            bar.update(task, completed=so_far.frames, why=why.replace("[", "\\["))

        yield on_progress


def _report(published: "Published", sources: int, as_json: bool) -> None:
    if as_json:
        told = output.as_object(published)
        output.show_json({**told, "frames_per_s": published.frames_per_s, "sources": sources})
    else:
        output.say(_sentence(published, sources))
    for complaint in published.complaints:
        output.note(f"refused: {complaint}")
    if published.frames == 0:
        raise SettingsError("nothing was published")


def _sentence(published: "Published", sources: int) -> str:
    said = (
        f"published {published.frames:,} frames ({published.bytes / 1e6:,.1f} MB) of {sources:,} sources "
        f"in {published.seconds:,.1f} s: {published.frames_per_s:,.0f} frames/s"
    )
    refitted = f"; {published.refitted:,} encoded anew to fit into a frame" if published.refitted else ""
    refused = f"; {published.refused:,} refused" if published.refused else ""
    return said + refitted + refused
