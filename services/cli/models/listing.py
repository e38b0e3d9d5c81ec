"""`gleaner models list`: what was released, what is live, and what each running service says that it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import output
from services.cli.context import settings_of

if TYPE_CHECKING:
    from services.inference.models.releases import Release, Releases
    from services.inference.models.running import RunningModel
    from shared.ports import Images

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """One model: its releases, the live one first, and who runs it."""

    model_id: str
    releases: "list[dict[str, Any]]"
    running: "list[RunningModel]"


def list_models(
    ctx: typer.Context,
    id_: Annotated[str | None, typer.Argument(metavar="[ID]", help="One model alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List models, their releases and who runs them."""
    from services.cli.models.bucket import bucket_of, named
    from services.inference.models.releases import model_ids

    settings = settings_of(ctx)
    with bucket_of(settings, looks_only=True) as images:
        there = list(model_ids(images))
        wanted = there if id_ is None else [named(settings, id_, there)]
        models = [listed(images, one) for one in wanted]
    if as_json:
        output.show_json([_told(one) for one in models])
        return
    if not models:
        output.say("No models: `gleaner models push best.onnx` releases one.")
    for one in models:
        show(one)


def listed(images: "Images", model_id: str) -> Listed:
    """Raises Unavailable."""
    from services.inference.models.releases import Releases
    from services.inference.models.running import running

    releases = Releases(images, model_id)
    history = list(reversed(releases.history()))
    told = [_release(releases, one, live=one is history[0]) for one in history]
    return Listed(model_id, told, list(running(images, model_id)))


def show(one: Listed) -> None:
    rows = [
        (told["version"], "live" if told["live"] else "", _when(told["released_at"]), told["by"], told["note"])
        for told in one.releases[:SHOWN]
    ]
    if rows:
        output.show_table(f"Releases of {one.model_id}", ("version", "", "released (UTC)", "by", "note"), rows)
    if len(one.releases) > SHOWN:
        output.say(f"and {len(one.releases) - SHOWN:,} more; --json has them all")
    show_running(one.model_id, one.running)


def show_running(model_id: str, running: "Sequence[RunningModel]") -> None:
    """Who runs it, and why somebody does not run what he should."""
    rows = [
        (
            each.instance,
            each.role,
            each.version or "none yet",
            _when(each.since or ""),
            each.provider or "",
            _state(each),
        )
        for each in running
    ]
    if rows:
        output.show_table(
            f"Running {model_id}", ("instance", "role", "version", "since (UTC)", "provider", "state"), rows
        )
    for each in running:
        if each.why and not each.stale:
            what = f"refused {each.refused}" if each.refused else "waits"
            output.say(f"{each.instance} {what}: {each.why}")


def _when(iso: str) -> str:
    """`2026-11-23 07:04:55` of `2026-11-23T07:04:55+00:00`, as releases and reports are written."""
    return iso.replace("T", " ").removesuffix("+00:00")


def _state(each: "RunningModel") -> str:
    if each.stale:
        return f"not heard of since {_when(each.written_at)}"
    if each.version is None:
        return "waits"
    return "refuses a newer one" if each.refused else "ok"


def _release(releases: "Releases", release: "Release", live: bool) -> "dict[str, Any]":
    note = releases.note(release)
    return {"version": release.version, "number": release.number, "live": live, **note.model_dump()}


def _told(one: Listed) -> "dict[str, Any]":
    running = [{**each.model_dump(), "stale": each.stale} for each in one.running]
    return {"model_id": one.model_id, "releases": one.releases, "running": running}
