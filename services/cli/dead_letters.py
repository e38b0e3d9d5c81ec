"""`gleaner dead-letters`: what could not be processed, why, and once more back to where it came from."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import log_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.cli.dead_letter import DeadLetter

dead_letters = typer.Typer(name="dead-letters", help="What could not be processed: list, show, redrive.")

DEFAULT_LIMIT = 20
StreamArgument = Annotated[str, typer.Argument(metavar="STREAM", help="frames, or frames.dlq.")]
PartitionArgument = Annotated[int, typer.Argument(metavar="PARTITION", min=0)]
OffsetArgument = Annotated[int, typer.Argument(metavar="OFFSET", min=0)]
StreamOption = Annotated[str | None, typer.Option("--stream", help="Of this stream alone.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="The newest so many of each stream.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dead_letters.callback(invoke_without_command=True)
def _by_default(
    ctx: typer.Context, stream: StreamOption = None, limit: LimitOption = DEFAULT_LIMIT, as_json: AsJson = False
) -> None:
    """What could not be processed: list (the default), show, redrive."""
    if ctx.invoked_subcommand is None:
        _list(ctx, stream, limit, as_json)


@dead_letters.command("list")
def list_them(
    ctx: typer.Context, stream: StreamOption = None, limit: LimitOption = DEFAULT_LIMIT, as_json: AsJson = False
) -> None:
    """List the newest dead letters."""
    _list(ctx, stream, limit, as_json)


@dead_letters.command()
def show(
    ctx: typer.Context,
    stream: StreamArgument,
    partition: PartitionArgument,
    offset: OffsetArgument,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: headers and the beginning of its value."""
    from services.cli.dead_letter import read

    with log_of(ctx, looks_only=True) as log:
        letter = read(log, _checked(stream), partition, offset)
    if as_json:
        output.show_json({**output.as_object(letter.summary), "headers": letter.headers, "value": letter.value_preview})
        return
    output.show_table(letter.summary.where, ("header", "value"), list(letter.headers.items()), most_chars=2_000)
    output.say(f"key: {letter.summary.key}")
    output.say(f"value ({letter.value_bytes:,} bytes): {letter.value_preview}")


@dead_letters.command()
def redrive(
    ctx: typer.Context,
    stream: StreamArgument,
    partition: PartitionArgument,
    offset: OffsetArgument,
    as_json: AsJson = False,
) -> None:
    """Publish a dead letter's original record again. On its stream and partition."""
    from services.cli.dead_letter import read
    from services.cli.redrive import redriven

    with log_of(ctx, looks_only=True) as log:
        letter = read(log, _checked(stream), partition, offset)
        record = redriven(log, letter)
    if as_json:
        output.show_json({"stream": record.stream, "partition": record.partition, "offset": record.offset})
    else:
        output.say(f"published again as {record.where}; the dead letter stays where it is")


def _list(ctx: typer.Context, stream: str | None, limit: int, as_json: bool) -> None:
    from services.cli.dead_letter import newest

    streams = None if stream is None else [_checked(stream)]
    with log_of(ctx, looks_only=True) as log:
        letters = newest(log, streams, limit)
    if as_json:
        output.show_json([letter.summary for letter in letters])
    elif not letters:
        output.say("No dead letters.")
    else:
        output.show_table(
            "Dead letters", ("where", "from", "when", "why", "message"), [_row(letter) for letter in letters]
        )


def _row(letter: "DeadLetter") -> tuple[str, ...]:
    summary = letter.summary
    return (summary.where, summary.original, summary.when, summary.error, summary.message)


def _checked(stream: str) -> str:
    """The dead-letter stream that is meant. Raises SettingsError with the nearest name."""
    from shared.settings import nearest
    from shared.streams import DLQ_SUFFIX, STREAMS

    name = stream if stream.endswith(DLQ_SUFFIX) else stream + DLQ_SUFFIX
    if name not in STREAMS:
        known = [known.removesuffix(DLQ_SUFFIX) for known in STREAMS if known.endswith(DLQ_SUFFIX)]
        raise SettingsError(f"no stream is called {stream!r}{nearest(stream.removesuffix(DLQ_SUFFIX), known)}")
    return name
