"""`gleaner models compare`: two versions on the same frames; what the new one gains and loses, and what people said of that.

Promises: both run on the inference service's own path. Nothing is written but the picture, and nothing is released.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.cli.models.comparison import Comparison
    from shared.models.config import ModelConfig
    from shared.settings import Settings

JUDGED = 100
PICTURE = Path("compare.jpg")


def compare_models(
    ctx: typer.Context,
    old: Annotated[Path | None, typer.Argument(metavar="[OLD]", help="The version that is there.")] = None,
    new: Annotated[Path | None, typer.Argument(metavar="[NEW]", help="The one that could follow it.")] = None,
    images: Annotated[
        list[Path] | None, typer.Argument(metavar="[IMAGE]...", help="Images or folders; none: the frames judged last.")
    ] = None,
    judged: Annotated[int, typer.Option(min=1, max=2_000, help="So many of the frames judged last.")] = JUDGED,
    shadow: Annotated[
        bool,
        typer.Option("--shadow", help="No files: what the live model and the shadow predicted of the same frames."),
    ] = False,
    confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="From which a box counts; else the product threshold.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the picture goes.")] = PICTURE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two versions: detections gained and lost. As tables and a picture."""
    from services.cli.models import compare_picture, comparison_tables
    from shared.telemetry import logs

    logs.configure("gleaner", "WARNING")
    settings = settings_of(ctx)
    compared = _shadow(settings, old, confidence) if shadow else _files(settings, old, new, images, judged, confidence)
    picture = compare_picture.draw(compared, out)
    if as_json:
        output.show_json({**compared.told(), "picture": str(picture) if picture else None})
        return
    comparison_tables.show(compared)
    if picture:
        output.say(f"picture: {picture}")


def compare(settings: "Settings", old: "ModelConfig", new: "ModelConfig", limit: int = JUDGED) -> "Comparison":
    """On the `limit` frames that people judged last; without any, a comparison of no frame, which says so.

    Raises SettingsError when a version cannot work or the two do different things, Unavailable when a store is down.
    """
    from services.cli.models.comparing import on_judged

    return on_judged(settings, old, new, limit)


def _files(
    settings: "Settings",
    old: Path | None,
    new: Path | None,
    images: list[Path] | None,
    judged: int,
    confidence: float | None,
) -> "Comparison":
    from services.cli.models.comparing import on_pictures
    from services.cli.models.thresholds import at_threshold

    if old is None or new is None:
        raise SettingsError("expected two model files, OLD and NEW; or --shadow without any")
    versions = at_threshold(settings, old, confidence), at_threshold(settings, new, confidence)
    return on_pictures(*versions, images) if images else compare(settings, *versions, judged)


def _shadow(settings: "Settings", old: Path | None, confidence: float | None) -> "Comparison":
    from services.cli.models.shadowed import shadowed

    if old is not None:
        raise SettingsError("--shadow compares predictions that are there already: name no files with it")
    return shadowed(settings, confidence)
