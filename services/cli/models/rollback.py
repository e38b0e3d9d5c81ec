"""`gleaner models rollback`: the version before the live one is live again, or any one that was."""

from typing import Annotated

import typer

from services.cli.context import settings_of


def rollback(
    ctx: typer.Context,
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The model; else the settings', else the only one.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="VERSION", help="Its beginning is enough.")] = None,
    note: Annotated[str, typer.Option(help="What `gleaner models list` shows beside it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Go back to an earlier version; twice goes back two."""
    from services.cli.models.bucket import bucket_of, named
    from services.cli.models.fit import check_fit
    from services.cli.models.push import say_released
    from services.inference.models.releases import Releases, model_ids

    settings = settings_of(ctx)
    with bucket_of(settings, looks_only=True) as images:
        releases = Releases(images, named(settings, id_, list(model_ids(images))))
        manifest = releases.manifest(version := releases.back_to(to))
        check_fit(settings, releases.model_id, manifest.names, ())
        say_released(settings, releases.release(version, "rollback", note), releases.model_id, as_json)
