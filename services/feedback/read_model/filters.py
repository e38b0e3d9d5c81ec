"""Filters: which samples are asked for, as numbers that rows have.

Promises: several values of one filter widen it, several filters narrow it; a key that may see some sources finds only theirs.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.feedback.read_model.database import Connection
from services.feedback.read_model.names import named

FACETS = ("collection", "source", "version", "missing", "upload", "judged", "strategies", "classes")
"""Columns of `samples` that are filtered by, and counted."""
SETS = ("judged", "strategies", "classes")
"""Those that hold a set of names."""
Accepted = dict[str, frozenset[int]]
"""Per facet that is filtered by, the numbers that pass."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty: all. `verdicts`: kinds, and `open`. `sees`: whether the caller may see a source; None: all of them."""

    sources: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    collection: str | None = None
    model_id: str | None = None
    model_version: str | None = None
    has_image: bool | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    sees: Callable[[str], bool] | None = None


def accepted(db: Connection, filters: Filters) -> Accepted:
    wanted = {
        "collection": () if filters.collection is None else (filters.collection,),
        "source": filters.sources,
        "missing": filters.missing,
        "upload": filters.uploads,
    }
    passing = {kind: _numbers(db, kind, names) for kind, names in wanted.items() if names}
    sets = {"judged": filters.verdicts, "strategies": filters.strategies, "classes": filters.classes}
    passing |= {kind: _sets_with(db, kind, members) for kind, members in sets.items() if members}
    if filters.model_id is not None or filters.model_version is not None:
        passing["version"] = _versions(db, filters.model_id, filters.model_version)
    return passing


def where(db: Connection, filters: Filters) -> tuple[str, list[object]]:
    """All conditions, as SQL."""
    conditions, args = ["1"], list[object]()
    for comparison, value in (
        ("time_ms >= ?", filters.since_ms),
        ("time_ms < ?", filters.until_ms),
        ("has_image = ?", filters.has_image),
    ):
        if value is not None:
            conditions.append(comparison)
            args.append(value)
    passing = list(accepted(db, filters).items())
    passing += [] if filters.sees is None else [("source", visible(db, filters.sees))]
    for facet, numbers in passing:
        condition, arg = among(facet, numbers)
        conditions.append(condition)
        args.append(arg)
    return " AND ".join(conditions), args


def visible(db: Connection, sees: Callable[[str], bool]) -> frozenset[int]:
    return frozenset(number for number, name in named(db, "source").items() if sees(name))


def among(column: str, numbers: Iterable[int]) -> tuple[str, str]:
    return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(sorted(numbers))


def _numbers(db: Connection, kind: str, names: Iterable[str]) -> frozenset[int]:
    sql = "SELECT id FROM names WHERE kind = ? AND name IN (SELECT value FROM json_each(?))"
    return frozenset(number for (number,) in db.execute(sql, (kind, json.dumps(list(names)))))


def _sets_with(db: Connection, kind: str, members: Iterable[str]) -> frozenset[int]:
    sql = "SELECT id FROM members WHERE kind = ? AND member IN (SELECT value FROM json_each(?))"
    return frozenset(number for (number,) in db.execute(sql, (kind, json.dumps(list(members)))))


def _versions(db: Connection, model_id: str | None, model_version: str | None) -> frozenset[int]:
    known = ((number, json.loads(name)) for number, name in named(db, "version").items())
    return frozenset(
        number for number, (name, version) in known if model_id in (None, name) and model_version in (None, version)
    )
