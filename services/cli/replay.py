"""`gleaner replay`: what other settings would have kept of recorded predictions. Writes nothing but the picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import has_data, settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.sampler.replay.replaying import Asked
    from shared.settings import Settings


def replay(
    ctx: typer.Context,
    new: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="The settings to try; default: those in force.")
    ] = None,
    since: Annotated[str, typer.Option(help="From when: 2d, 6h or 30m ago, or a time (2026-11-22T14:00).")] = "1d",
    until: Annotated[str | None, typer.Option(help="Up to when; default: now.")] = None,
    collection: Annotated[str | None, typer.Option(help="This collection alone.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write a picture of what is gained and lost there, a PNG.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what other settings would have kept of the past."""
    from services.cli.replaying.as_json import as_object
    from services.cli.replaying.picture import picture_of
    from services.cli.replaying.progress import bar
    from services.cli.replaying.report import report
    from services.cli.replaying.tables import show
    from services.sampler.replay.replaying import replay as replayed
    from shared.bootstrap import open_backend
    from shared.telemetry import logs

    logs.configure("replay", "ERROR")
    settings = settings_of(ctx)
    asked = _asked(settings, new, since, until, collection)
    if not has_data(settings):
        raise SettingsError(
            "no data yet, so there is nothing to replay: is this the right --settings file (before `replay`)?"
        )
    with open_backend(settings) as live, bar("replaying") as progress:
        made = report(replayed(live, asked, progress.show))
        drawn = None if picture is None else picture_of(made, live)
    if as_json:
        output.show_json(as_object(made))
    else:
        show(made)
    if picture is not None:
        _write(picture, drawn)


def _asked(settings: "Settings", new: Path | None, since: str, until: str | None, collection: str | None) -> "Asked":
    import time

    from services.cli.replaying.moments import moment_ms
    from services.sampler.replay.replaying import Asked
    from services.sampler.replay.span import Span
    from shared.settings import load

    now_ms, zone = round(time.time() * 1000), settings.common.timezone
    start_ms = moment_ms(since, "--since", now_ms, zone)
    end_ms = now_ms if until is None else moment_ms(until, "--until", now_ms, zone)
    if start_ms >= end_ms:
        raise SettingsError(f"--since: expected a moment before {until or 'now'}, got {since!r}")
    return Asked(Span(start_ms, end_ms), None if new is None else load(new), collection)


def _write(picture: Path, drawn: bytes | None) -> None:
    from services.uploader.destinations.dataset import write_whole

    if drawn is None:
        output.note("no picture: nothing is gained or lost of which pixels are left")
        return
    try:
        write_whole(picture, drawn)
    except OSError as error:
        raise SettingsError(f"--picture: {picture} cannot be written: {error.strerror}") from error
    output.note(f"the picture is {picture}; nothing else was written")
