"""`gleaner publish`: image folders, images and videos → frames, with a progress bar."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import log_of, settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.sources.picture import Picture, Unreadable
    from services.sources.publisher import OnProgress, Published
    from shared.ports import Log
    from shared.settings import Settings

    Pictures = Iterable[Picture | Unreadable]


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
    by_reference: Annotated[
        str | None, typer.Option(metavar="BUCKET", help="Put the images into this bucket, and publish where they lie.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Publish images and videos as frames."""
    from services.sources.files import expected, open_sources
    from services.sources.loop import in_rounds
    from services.sources.publisher import publish as publish_pictures
    from services.sources.videos import VideoFile

    settings = settings_of(ctx)
    sources = open_sources(paths, source_id, fps, _most_bytes(settings, by_reference))
    if fps is not None and not any(isinstance(source, VideoFile) for source in sources):
        output.note("--fps thins videos, and none is among these; --rate says how fast frames are published")
    once = expected(sources)
    total = min((n for n in (None if once is None else once * loop, limit) if n is not None), default=None)
    with (
        log_of(ctx) as log,
        _put_into(settings, by_reference) as put,
        _progress_bar(total) as on_progress,
    ):
        _need_streams(log)
        pictures = put(islice(in_rounds(sources, loop), limit))
        published = publish_pictures(log, pictures, rate, on_progress)
    _report(published, len(sources), as_json)


def _most_bytes(settings: "Settings", bucket: str | None) -> int:
    """Of an image; what is larger is made smaller. Raises SettingsError for a bucket from which nobody would read."""
    from shared.streams.frames import MAX_FRAME_BYTES

    references = settings.common.references
    if bucket is not None and bucket not in references.buckets:
        raise SettingsError(
            f"--by-reference: nobody would read frames from {bucket!r}: it is none of references.buckets "
            f"({', '.join(references.buckets) or 'none'}); `references: {{buckets: [{bucket}]}}` in the settings lets them"
        )
    return MAX_FRAME_BYTES if bucket is None else references.max_bytes


@contextmanager
def _put_into(settings: "Settings", bucket: str | None) -> "Iterator[Callable[[Pictures], Pictures]]":
    """What puts pictures into the bucket as they are published; without one, what leaves them as they are."""
    from services.sources.by_reference import by_reference
    from shared.bootstrap import open_objects

    if bucket is None:
        yield lambda pictures: pictures
        return
    with open_objects(settings) as objects:
        yield lambda pictures: by_reference(pictures, objects, bucket, settings.common.prefix)


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
