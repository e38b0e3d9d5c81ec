"""`gleaner check`: are the settings fine, and what do they come to? Secrets are masked, whatever happens."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.cli.effective import Effective, Value

EXIT_FAULTY = 1


def check(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check the settings of every service. Shows their effective values; exit code 1 when something is wrong."""
    from services.cli.effective import Effective, effective

    try:
        found = effective(settings_of(ctx))
    except SettingsError as error:
        found = Effective("", problems=(str(error),))
    if as_json:
        output.show_json(found)
    else:
        _show(found)
    if found.problems:
        raise typer.Exit(EXIT_FAULTY)


def _is_news(value: "Value") -> bool:
    """Forty cameras have hundreds of values; what a line leaves out stands under `sources.defaults`."""
    of_a_camera = value.name.startswith("sources.") and not value.name.startswith("sources.defaults.")
    return not of_a_camera or value.origin != "default"


def _show(found: "Effective") -> None:
    if found.values:
        rows = [(value.name, value.value, value.origin) for value in found.values if _is_news(value)]
        output.show_table(f"Settings ({found.origin})", ("setting", "value", "from"), rows, most_chars=2_000)
    for sentence in found.budgets.facts:
        output.say(sentence)
    for sentence in found.budgets.warnings:
        output.say(f"! {sentence}")
    for sentence in found.notes:
        output.say(f"note: {sentence}")
    for sentence in found.problems:
        output.complain(sentence)
    if not found.problems:
        output.say("OK")
