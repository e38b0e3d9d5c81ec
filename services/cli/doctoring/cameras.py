"""Cameras: does each answer, and with what?

Promises: those that a running gleaner reads are asked of it, since some cameras bear one connection alone. The others are
opened for a few seconds, all at once, each alone; forty with three dead take no longer than one dead one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.cli.cameras import live
from services.cli.doctoring.finding import Finding, State, ok, warning
from services.sources.config import CameraOptions, SourcesConfig
from shared.settings import Settings

LOOK_S = 2.0
LONGEST_WAIT_S = 10.0
"""Whatever a camera's own limits are: the page is to be read soon."""
TODO = "mend that camera or its line; `gleaner sources check` shows a picture of each"
RUNS = "`gleaner status` shows how often each was lost"
_STATES: dict[str, State] = {"down": "wrong", "frozen": "warning", "connecting": "warning"}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came of one camera. `why`: what is wrong, None when nothing is."""

    name: str
    why: str | None = None
    state: State = "wrong"
    todo: str = TODO


def cameras(settings: Settings) -> Iterator[Finding]:
    asked = settings.read(SourcesConfig).sources.cameras
    if not asked:
        yield ok("cameras", "none in the settings: `gleaner sources add ADDRESS` tries one and writes its line")
        return
    told = _told(settings, asked)
    found = [*told, *_opened({name: one for name, one in asked.items() if name not in {seen.name for seen in told}})]
    yield _summary(found, len(told))
    for seen in found:
        if seen.why is not None:
            yield Finding(f"camera {seen.name}", seen.state, seen.why, seen.todo)


def _summary(found: list[_Seen], told: int) -> Finding:
    answering = sum(seen.why is None for seen in found)
    said = f"{answering} of {len(found)} answer" + (f"; {told} are read by the gleaner that runs here" if told else "")
    if answering == len(found):
        return ok("cameras", said)
    return warning("cameras", said, "those that do not have lines of their own")


def _told(settings: Settings, asked: Mapping[str, CameraOptions]) -> list[_Seen]:
    """By a gleaner that runs here; nothing when none does."""
    page = live.address(settings.common, None)
    reports = (live.ask(page) if page else None) or []
    return [_reported(one) for one in reports if isinstance(one, Mapping) and one.get("source_id") in asked]


def _reported(report: Mapping[str, Any]) -> _Seen:
    name, state = str(report["source_id"]), str(report.get("state"))
    if state not in _STATES:
        return _Seen(name)
    return _Seen(name, f"{state}: {report.get('why') or 'no picture yet'}", _STATES[state], RUNS)


def _opened(asked: Mapping[str, CameraOptions]) -> list[_Seen]:
    if not asked:
        return []
    from services.sources.cameras.probe import probe

    found = probe({name: _hurried(options) for name, options in asked.items()}, LOOK_S)
    return [_Seen(one.source_id, None if one.fine else one.why or "gave no picture") for one in found]


def _hurried(options: CameraOptions) -> CameraOptions:
    return options.model_copy(
        update={
            "open_timeout_s": min(options.open_timeout_s, LONGEST_WAIT_S),
            "read_timeout_s": min(options.read_timeout_s, LONGEST_WAIT_S),
        }
    )
