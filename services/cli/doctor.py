"""`gleaner doctor`: one page about everything an installation stands on, each line with what to do.

Promises: looks only; works while `gleaner run` runs, in both modes, and with settings that cannot be read. No secret is
shown. Exit code 1 when something is wrong.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.cli.doctoring.finding import Finding
    from shared.settings import Settings

EXIT_WRONG = 1
COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "wrong": typer.colors.RED}
LONGEST = 1_000
STATE_CHARS = 8


def doctor(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE.zip", help="Pack the page and what belongs to it for a bug report, redacted."),
    ] = None,
) -> None:
    """Say whether everything is all right, and what to do.

    Looks at settings, model, cameras, disk, clock, stores, destinations, ports.
    """
    from services.cli.doctoring.page import summary
    from shared.telemetry import logs

    logs.configure("gleaner", "ERROR")
    if sys.stderr.isatty():
        output.note("looking; cameras and servers that do not answer take some seconds")
    settings, findings = examined(ctx)
    if as_json:
        output.show_json({"summary": summary(findings), "findings": list(findings)})
    else:
        _show(findings)
    if bundle is not None:
        _pack(bundle, ctx, settings, findings)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(EXIT_WRONG)


def examined(ctx: typer.Context) -> "tuple[Settings | None, list[Finding]]":
    """The settings, None when they cannot be read, and the page without a secret."""
    from services.cli.doctoring.checks import CHECKS
    from services.cli.doctoring.examine import examine
    from services.cli.doctoring.page import without_secrets
    from services.cli.doctoring.settings import unreadable
    from shared.settings import Settings

    try:
        settings = settings_of(ctx)
    except SettingsError as error:
        bare = [check for check in CHECKS if check.bare]
        return None, without_secrets([unreadable(error), *examine(bare, Settings({}))], {})
    return settings, without_secrets(examine(CHECKS, settings), settings.values)


def _pack(file: Path, ctx: typer.Context, settings: "Settings | None", findings: "Sequence[Finding]") -> None:
    from services.cli.cameras.settings_file import file_in_use
    from services.cli.doctoring import bundle

    settings_file = file_in_use(ctx)
    output.note(f"{file}, packed: nothing was sent; look into it before you send it")
    for line in bundle.write(file, settings, settings_file if settings_file.exists() else None, findings):
        output.note(f"  {line}")


def _show(findings: "Sequence[Finding]") -> None:
    from services.cli.doctoring.page import folded, lines, summary

    # A terminal breaks lines anywhere; whoever reads a pipe wants a line for each.
    width = shutil.get_terminal_size().columns - STATE_CHARS if sys.stdout.isatty() else LONGEST
    for finding in findings:
        rows = [row for line in lines(finding) for row in folded(output.printable(line, LONGEST), width)]
        state = typer.style(f"{finding.state:{STATE_CHARS}}", fg=COLOURS[finding.state])
        for number, row in enumerate(rows):
            typer.echo((" " * STATE_CHARS if number else state) + row)
    output.say(summary(findings))
