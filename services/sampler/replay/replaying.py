"""Replaying: predictions of a span once through the settings in force, and once through others.

Promises: what is open of the live backend is read and never written; what is written lies in a temporary folder.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.sampler.config import NamedCollection
from services.sampler.replay.checking import Checked, InForce, check
from services.sampler.replay.facts import Facts
from services.sampler.replay.merged import Recorded
from services.sampler.replay.side import Around, Side
from services.sampler.replay.sights import Sights
from services.sampler.replay.span import Span, records_in
from shared.bootstrap import OpenBackend, open_backend
from shared.errors import SettingsError
from shared.settings import Settings
from shared.streams import PREDICTIONS, ids

GROUP = "sampler"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be replayed. `new`: None or the same version: the settings in force alone."""

    span: Span
    new: Settings | None = None
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """`covered`: from the first to the last prediction of the span; `new`: None where nothing else was asked."""

    covered: Span
    old: Side
    new: Side | None
    checked: Checked
    old_version: str
    new_version: str


Progress = Callable[[int, int], None]
"""Is told how many records of how many were read."""


def replay(live: OpenBackend, asked: Asked, progress: Progress = lambda done, total: None) -> Replayed:
    """Raises SettingsError (no such collection), Unavailable."""
    recorded = Recorded(live.log, asked.span)
    facts = Facts(live.log, live.state, recorded.inside, asked.span)
    committed = live.log.committed(GROUP, PREDICTIONS.name)
    with ExitStack() as stack:
        reader = stack.enter_context(closing(live.log.reader()))
        sights = Sights(reader, live.pixels, facts)
        around = Around(live, reader, facts, sights, asked.span, recorded.covered.start_ms, committed, asked.only)
        old = Side(live.settings, around, stack.enter_context(_scratch(live)), None)
        new = None
        if asked.new is not None and asked.new.version != live.settings.version:
            new = Side(asked.new, around, stack.enter_context(_scratch(live)), old.config)
        _need(asked.only, old, new)
        _run(recorded, [old] if new is None else [old, new], progress)
    return Replayed(
        recorded.covered,
        old,
        new,
        _checked(live, old, facts),
        live.settings.version,
        (asked.new or live.settings).version,
    )


def _run(recorded: Recorded, sides: list[Side], progress: Progress) -> None:
    done, total = 0, records_in(recorded.around)

    def met(records: int) -> None:
        nonlocal done
        done += records

    for batch in recorded.batches(met):
        for side in sides:
            side.meet(batch)
        progress(done, total)
    for side in sides:
        side.finish()
    progress(total, total)


def _checked(live: OpenBackend, old: Side, facts: Facts) -> Checked:
    names = {one.name for one in old.collections}
    by = InForce(
        version=live.settings.version,
        salt_fingerprint=ids.salt_fingerprint(live.salt),
        gone={name: plans.gone for name, plans in old.plans.items()},
        needing_past={
            strategy.label for one in old.collections for strategy in one.options.strategies if strategy.needs_past
        },
    )
    return check(old.drawn, [fact for fact in facts.all() if fact.collection in names], by)


def _collections(side: Side) -> Iterator[tuple[str, NamedCollection]]:
    return side.config.all_collections()


def _need(only: str | None, old: Side, new: Side | None) -> None:
    if only is None or old.collections or (new is not None and new.collections):
        return
    named: Mapping[str, object] = {**dict(_collections(old)), **(dict(_collections(new)) if new else {})}
    raise SettingsError(f"--collection: expected one of {', '.join(named)}, got {only!r}")


@contextmanager
def _scratch(live: OpenBackend) -> Iterator[OpenBackend]:
    """A backend in a folder that is deleted, however it ends."""
    with tempfile.TemporaryDirectory(prefix="gleaner-replay-", ignore_cleanup_errors=True) as folder:
        values = {"backend": {"type": "embedded", "folder": str(Path(folder))}, "salt": live.salt.decode()}
        with open_backend(Settings(values)) as backend:
            yield backend
