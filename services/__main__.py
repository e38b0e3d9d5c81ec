"""The command line `gleaner`: what there is, and what becomes of errors.

Promises: an error that a person can act on is one red line and exit code 2, without a traceback; Ctrl-C is exit code 130.
No traceback shows the values of variables, which could be secrets.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from services.cli import output
from services.cli.check import check
from services.cli.dead_letters import dead_letters
from services.cli.demo import demo
from services.cli.doctor import doctor
from services.cli.explain import explain
from services.cli.init import init
from services.cli.keys import keys
from services.cli.known import known
from services.cli.models import models
from services.cli.publish import publish
from services.cli.replay import replay
from services.cli.report import report
from services.cli.run import run
from services.cli.sources import sources
from services.cli.status import status
from services.cli.topics import topics
from services.cli.verdict import verdict
from shared.errors import GleanerError

EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130


class SayingWhy(TyperGroup):
    """Turns errors that we know into a line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except GleanerError as error:
            output.complain(error)
            raise typer.Exit(EXIT_REFUSED) from error
        except KeyboardInterrupt as error:
            output.note("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from error


app = typer.Typer(
    name="gleaner",
    cls=SayingWhy,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("gleaner-vision")
        except PackageNotFoundError:
            number = "(not installed)"
        output.say(f"gleaner {number}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="Settings file; else GLEANER_SETTINGS, else ./gleaner.yaml, else the defaults.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Collects, from the frames a production vision model sees, the few that would teach it most."""
    ctx.obj = settings


app.command()(demo)
app.command()(init)
app.command()(run)
app.command()(publish)
app.command()(verdict)
app.command()(status)
app.command()(replay)
app.command()(report)
app.command()(explain)
app.add_typer(sources)
app.add_typer(models)
app.add_typer(keys)
app.add_typer(known)
app.add_typer(topics)
app.add_typer(dead_letters)
app.command()(check)
app.command()(doctor)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
