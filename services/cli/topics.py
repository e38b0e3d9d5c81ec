"""`gleaner topics`: the streams as they should be (`plan`), made (`apply`), and as they are (`check`)."""

from typing import Annotated

import typer

from services.cli import output
from services.cli.context import log_of

topics = typer.Typer(name="topics", help="The streams: plan, apply, check.", no_args_is_help=True)

EXIT_FAULTY = 1
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@topics.command()
def plan(
    ctx: typer.Context,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions per stream; all streams have as many.")] = 12,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each partition.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Show every stream with partitions, retention and settings. Connects to nothing."""
    from services.cli.context import settings_of
    from services.cli.retention import retention
    from shared.streams import STREAMS
    from shared.streams.topics import topic_settings

    prefix = settings_of(ctx).common.prefix
    settings = {name: topic_settings(stream, replication) for name, stream in STREAMS.items()}
    if as_json:
        output.show_json(
            [
                {"topic": prefix + name, "partitions": partitions, "replication": replication, "config": config}
                for name, config in settings.items()
            ]
        )
        return
    for name, stream in STREAMS.items():
        output.say(f"{prefix}{name}: {partitions} partitions, {replication} copies, keyed by {stream.key}")
        output.say(f"  {stream.about}; {retention(stream)}")
        output.say(f"  {' '.join(f'{key}={value}' for key, value in settings[name].items())}")


@topics.command()
def apply(
    ctx: typer.Context,
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Partitions per stream; 1 embedded, 12 on Kafka.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the streams that are missing. Changes none that is there."""
    with log_of(ctx) as log:
        made = log.apply(partitions)
    if as_json:
        output.show_json({"made": list(made)})
        return
    for sentence in made or ["nothing to do: every stream is there"]:
        output.say(sentence)


@topics.command()
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Say what is wrong with the streams; exit code 1 when anything is. Needs no right to create."""
    with log_of(ctx, looks_only=True) as log:
        faults = list(log.check())
    if as_json:
        output.show_json({"faults": faults})
    else:
        for sentence in faults or ["OK: every stream is as it should be"]:
            output.say(sentence)
    if faults:
        raise typer.Exit(EXIT_FAULTY)
