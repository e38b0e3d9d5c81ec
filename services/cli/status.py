"""`gleaner status`: settings, cameras, models, flow, lag, counts, the ledger, dead letters. Works while services run."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import output
from services.cli.context import log_of, settings_of

if TYPE_CHECKING:
    from services.cli.counts import Counts
    from services.cli.flow import StreamFlow
    from services.uploader.ledger import Ledger
    from shared.settings import Settings

SHOWN = 20
"""Sources and ids in tables; JSON has them all."""


def status(
    ctx: typer.Context,
    counts: Annotated[
        bool, typer.Option("--counts/--no-counts", help="Read the streams and count; the flow alone is quick.")
    ] = True,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Health page of what reads the cameras; by default as `health` in the settings."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how far everything is. Cameras, models, flow, lag, counts, and where every promised image is."""
    from services.cli import flow as reading
    from services.cli import in_force
    from services.cli.cameras import live
    from services.cli.counts import counts as counted
    from services.cli.models.bucket import readers
    from services.cli.models.overview import overview

    settings = settings_of(ctx)
    page = live.address(settings.common, at)
    sources = live.ask(page) if page else None
    going_by = in_force.ask(page) if page else None
    with log_of(ctx, looks_only=True) as log:
        streams, dead = reading.flow(log, readers(settings)), reading.dead_letters(log)
        numbers = counted(log) if counts else None
    models = overview(settings)
    if as_json:
        told = {
            "settings": going_by,
            "sources": sources,
            "models": models.told(),
            "flow": streams,
            "dead_letters": dead,
        }
        output.show_json({**told, **_told(numbers)})
        return
    if going_by:
        in_force.show(going_by)
    if sources:
        live.show(sources)
    elif at is not None:
        output.note(f"no cameras at {at}: nobody answers there, or it reads none")
    models.show()
    _show_flow(streams)
    if numbers is not None:
        _show_counts(numbers)
        if not numbers.samples.designs:
            _say_paces(settings)
        _show_ledger(numbers.ledger)
    _show_dead_letters(dead)


def _told(counts: "Counts | None") -> dict[str, Any]:
    if counts is None:
        return {}
    told = output.as_object(counts)
    return {**told, "ledger": {**output.as_object(counts.ledger), "balanced": counts.ledger.balanced}}


def _show_flow(streams: "list[StreamFlow]") -> None:
    rows = [
        (
            stream.stream,
            stream.partitions,
            stream.records,
            ", ".join(f"{lag.group} {lag.records:,} records, {lag.seconds:,.1f} s" for lag in stream.lags) or "-",
        )
        for stream in streams
    ]
    output.show_table("Flow", ("stream", "partitions", "records", "behind"), rows)
    for stream in streams:
        for lag in stream.lags:
            if lag.expired_unread:
                output.say(
                    f"{lag.group} never read {lag.expired_unread:,} records of {stream.stream}: they expired before"
                )
        if not stream.partitions:
            output.say(f"{stream.stream} does not exist: `gleaner topics apply` makes it")


def _show_counts(counts: "Counts") -> None:
    frames, samples = counts.frames, counts.samples
    neighbours = samples.neighbours
    numbers = [
        ("frames predicted (N)", frames.frames, f"{frames.frames_without:,} without a detection"),
        ("repeated predictions", frames.repeated, "of frames that had one already; not in N"),
        ("verdicts", counts.verdicts.total(), _listed(counts.verdicts)),
        *([("exposures", counts.exposures.total(), _listed(counts.exposures))] if counts.exposures else []),
        ("frames drawn", samples.designs, ""),
        ("samples kept", samples.kept, _listed(samples.kept_by_strategy)),
        ("without image", samples.missing.total(), _listed(samples.missing)),
        ("revisions by verdicts", samples.revisions.total(), _listed(samples.revisions)),
        *([("neighbours, kept beside them", neighbours.total(), _listed(neighbours))] if neighbours else []),
        *([("records that make no sense", counts.invalid.total(), _listed(counts.invalid))] if counts.invalid else []),
    ]
    output.show_table("Counts", ("what", "how many", "of these"), numbers)
    sources = sorted(frames.by_source.items(), key=lambda named: -named[1].frames)
    rows = [
        (output.printable(name, 60), count.frames, count.frames_without, _listed(count.detections))
        for name, count in sources[:SHOWN]
    ]
    if rows:
        output.show_table("Sources", ("source", "frames", "without", "detections"), rows)
    _say_rest(len(sources), "sources")


def _say_paces(settings: "Settings") -> None:
    """Nothing drawn yet is as it should be, for so long."""
    from services.cli.budgets import paces

    for pace in paces(settings):
        output.say(f"nothing drawn yet: {pace}")


def _show_ledger(ledger: "Ledger") -> None:
    sign = "=" if ledger.balanced else "≠"
    output.say(
        f"Ledger: accepted {ledger.accepted:,} {sign} acknowledged {ledger.acknowledged:,} + pending {ledger.pending:,} "
        f"+ dead-lettered {ledger.dead_lettered:,} + evicted {ledger.evicted:,} + missing {ledger.missing:,} "
        f"+ withdrawn {ledger.withdrawn:,}"
    )
    for sample_id, destination, revision in ledger.breakers[:SHOWN]:
        what = f"revision {revision}" if revision else "design"
        output.say(f"lost: sample {sample_id}, {what}, to {destination}: no receipt, and the uploader has gone past it")
    _say_rest(len(ledger.breakers), "lost deliveries")


def _show_dead_letters(dead: dict[str, int]) -> None:
    filled = {name: records for name, records in dead.items() if records}
    if not filled:
        output.say("No dead letters.")
        return
    output.show_table("Dead letters", ("stream", "records"), list(filled.items()))
    output.say("`gleaner dead-letters` shows them.")


def _say_rest(count: int, what: str) -> None:
    if count > SHOWN:
        output.say(f"and {count - SHOWN:,} more {what}; --json has them all")


def _listed(counter: "dict[str, int]") -> str:
    ordered = sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{output.printable(name, 40)} {number:,}" for name, number in ordered[:SHOWN])
