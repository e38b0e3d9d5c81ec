"""`gleaner explain`: why a frame was or was not kept, in sentences."""

import time
from typing import Annotated

import typer

from services.cli import output
from services.cli.context import has_data, settings_of
from shared.errors import SettingsError


def explain(
    ctx: typer.Context,
    frame: Annotated[
        str,
        typer.Argument(
            help="A frame, sample or prediction id; 8 digits of the first two do; or the producer's own id."
        ),
    ],
    source: Annotated[str | None, typer.Option(help="The source, where the id is its producer's own.")] = None,
    since: Annotated[
        str, typer.Option(help="How far back to look: 2d, 6h, or a time; the sooner, the faster.")
    ] = "30d",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say why a frame was or was not kept."""
    from contextlib import closing

    from services.cli.replaying.explained import as_object, show
    from services.cli.replaying.moments import moment_ms
    from services.cli.replaying.progress import bar
    from services.sampler.replay.explaining import Explainer
    from services.sampler.replay.finding import Named, find
    from services.sampler.replay.span import Span
    from shared.bootstrap import open_backend
    from shared.telemetry import logs

    logs.configure("explain", "ERROR")
    settings = settings_of(ctx)
    if not has_data(settings):
        raise SettingsError("no data yet, so there is nothing to explain: is this the right --settings file?")
    now_ms = round(time.time() * 1000)
    span = Span(moment_ms(since, "--since", now_ms, settings.common.timezone), now_ms)
    with open_backend(settings) as live, closing(Explainer(live)) as explainer:
        with bar("looking") as progress:
            found = find(live.log, Named(frame, source), span, progress.count)
        explained = explainer.explain(found)
    if as_json:
        output.show_json(as_object(explained))
    else:
        show(explained)
