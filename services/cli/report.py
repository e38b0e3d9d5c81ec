"""`gleaner report`: what flowed, what it cost, how good the model is and what changed, as a page and as JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output
from services.cli.context import has_data, settings_of
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.feedback.config import FeedbackConfig
    from services.feedback.read_model import ReadModel
    from services.feedback.report.content import Report
    from services.feedback.report.gather import Gathering
    from services.feedback.report.options import Asked, Labelling
    from shared.bootstrap import OpenBackend
    from shared.settings import Settings

PATIENCE_S = 0.2
"""How long is waited for the read model until the progress is drawn again."""
MOST_QUESTIONS = 60
"""So often is asked, of a few seconds each, until the frames that no tally speaks of are counted."""


def report(
    ctx: typer.Context,
    since: Annotated[str, typer.Option(help="From when: 7d or 12h ago, or a time (2026-11-16).")] = "7d",
    until: Annotated[str | None, typer.Option(help="Up to when; default: now.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="ID@VERSION", help="The model version; default: the newest of the window.")
    ] = None,
    collection: Annotated[str | None, typer.Option(help="The collection; default: the first one.")] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where page and JSON are written.")] = Path("."),
    price_per_hour: Annotated[float, typer.Option(min=0, help="What an hour of labelling costs.")] = 25.0,
    currency: Annotated[str, typer.Option(help="In which currency.")] = "EUR",
    seconds_per_image: Annotated[float, typer.Option(min=0, help="How long labelling an image takes.")] = 12.0,
    read_model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep what was read there, so that the next report reads what is new alone."),
    ] = None,
    error_rates: Annotated[
        bool, typer.Option("--error-rates", help="Print error_rates for a strategy's settings, and write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON, too.")] = False,
) -> None:
    """Write what flowed, what it cost and how good the model is."""
    from services.feedback.config import FeedbackConfig
    from services.feedback.report.options import Labelling
    from shared.bootstrap import open_backend
    from shared.telemetry import logs

    logs.configure("report", "ERROR")
    settings = settings_of(ctx)
    if not has_data(settings):
        raise SettingsError("no data yet, so there is nothing to report: is this the right --settings file?")
    config = settings.read(FeedbackConfig)
    labelling = Labelling(price_per_hour, currency, seconds_per_image)
    asked = _asked(settings, since, until, model, collection or config.collection, labelling)
    with open_backend(settings) as live, _reading(config, live, read_model) as read:
        gathering = _gathering(config, live, read, asked)
        if error_rates:
            _show_error_rates(gathering, as_json)
        else:
            _write(gathering.report(), out, as_json)


def _asked(
    settings: "Settings", since: str, until: str | None, model: str | None, collection: str, labelling: "Labelling"
) -> "Asked":
    import time
    from zoneinfo import ZoneInfo

    from services.cli.replaying.moments import moment_ms
    from services.feedback.report.options import Asked

    now_ms, zone = round(time.time() * 1000), settings.common.timezone
    since_ms = moment_ms(since, "--since", now_ms, zone)
    until_ms = now_ms if until is None else moment_ms(until, "--until", now_ms, zone)
    if since_ms >= until_ms:
        raise SettingsError(f"--since: expected a moment before {until or 'now'}, got {since!r}")
    return Asked(collection, since_ms, until_ms, ZoneInfo(zone), labelling, _version(model))


def _version(model: str | None) -> tuple[str, str] | None:
    if model is None:
        return None
    model_id, at, version = model.rpartition("@")
    if not (model_id and at and version):
        raise SettingsError(f"--model: expected ID@VERSION, got {model!r}")
    return model_id, version


@contextmanager
def _reading(config: "FeedbackConfig", live: "OpenBackend", kept: Path | None) -> "Iterator[ReadModel]":
    """A read model of one's own that has read all there is, in a file that is kept or goes."""
    import tempfile
    from contextlib import closing

    from services.cli.replaying.progress import bar
    from services.feedback.read_model import ReadModel
    from services.feedback.read_model.database import is_foreign

    if kept is not None and is_foreign(kept):
        raise SettingsError(
            f"--read-model: {kept} is something else, and would be deleted; expected a new file, or an earlier report's"
        )
    excluded = config.feedback.accuracy.exclude_reviewers
    with tempfile.TemporaryDirectory(prefix="gleaner-report-") as folder:
        path = Path(folder) / "read-model.sqlite3" if kept is None else kept
        with closing(ReadModel(path, live.log, live.clock, live.salt, excluded=excluded)) as model:
            model.open()
            model.start()
            with bar("reading") as progress:
                while not model.caught_up(PATIENCE_S):
                    told = model.progress()
                    progress.show(told.done, told.total)
            _count_the_rest(model)
            yield model


def _count_the_rest(model: "ReadModel") -> None:
    """Of a site whose sampler has told nothing for long. Raises Unavailable: they are too many, or the log is down."""
    from services.feedback.accuracy.review import Window
    from shared.errors import Unavailable

    for question in range(1, MOST_QUESTIONS + 1):
        try:
            model.totals(Window("", "", 0, 1))
        except Unavailable:
            if question == MOST_QUESTIONS:
                raise
        else:
            return


def _gathering(config: "FeedbackConfig", live: "OpenBackend", read: "ReadModel", asked: "Asked") -> "Gathering":
    from services.feedback.drawn_from import of_settings
    from services.feedback.report.gather import Gathering

    if asked.collection not in config.all_collections:
        known = ", ".join(config.all_collections)
        raise SettingsError(f"--collection: expected one of {known}, got {asked.collection!r}")
    drawn_from = of_settings(config.collections).get(asked.collection, asked.drawn_from)
    asked = replace(asked, drawn_from=drawn_from)
    return Gathering(read, live.log, live.clock, asked, config.feedback.accuracy.alerts)


def _write(made: "Report", out: Path, as_json: bool) -> None:
    from services.feedback.report.changes import changes, last_report
    from services.feedback.report.page import page
    from services.uploader.destinations.dataset import write_whole

    name = f"report-{made.made_at[:10]}"
    last = last_report(out, f"{name}.json", made.collection, output.note)
    made = made if last is None else made.model_copy(update={"changes": changes(made, last)})
    text = made.model_dump_json(indent=2)
    try:
        write_whole(out / f"{name}.json", text.encode())
        write_whole(out / f"{name}.html", page(made).encode())
    except OSError as error:
        raise SettingsError(f"--out: {out} cannot be written: {error.strerror}") from error
    if as_json:
        output.show_json(made.model_dump(mode="json"))
        output.note(f"the report is {out / name}.html, and .json")
    else:
        output.say(made.headline)
        output.say(f"the report is {out / name}.html, and .json")


def _show_error_rates(gathering: "Gathering", as_json: bool) -> None:
    """YAML for a strategy, with what it rests on as comments."""
    from services.feedback.accuracy.words import says
    from services.feedback.report import error_rates

    appraisal = gathering.appraisal()
    figures = [] if appraisal is None else appraisal.figures
    rates = error_rates.error_rates(figures)
    if as_json:
        output.show_json({"error_rates": rates})
        return
    known, refused = error_rates.verified(figures)
    for one in known:
        output.say(f"# {says(one)}")
    for one in refused:
        output.say(f"# {one.class_name}: no rate. {says(one)}")
    _show_yaml(rates)


def _show_yaml(rates: dict[str, float]) -> None:
    """ASCII alone: a class name may hold anything."""
    import yaml

    if not rates:
        output.note("no class has a verified error rate yet: judge random checks, and ask again")
        raise typer.Exit(1)
    typer.echo(yaml.safe_dump({"error_rates": rates}, sort_keys=False, allow_unicode=False), nl=False)
