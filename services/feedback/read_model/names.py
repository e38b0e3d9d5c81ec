"""Names as numbers: sources, collections, model versions, and sets of names (the classes a prediction shows).

Promises: a number, once given, stays; a set is the sorted JSON list of its names, and `members` says which sets have one.
"""

import json
from collections.abc import Iterable

from services.feedback.read_model.database import Connection


class Names:
    """Of one transaction: what was numbered in one that failed is forgotten with it."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._known: dict[tuple[str, str], int] = {}

    def number(self, kind: str, name: str) -> int:
        known = self._known.get((kind, name))
        if known is None:
            known = self._known[kind, name] = self._stored(kind, name) or self._added(kind, name)
        return known

    def version(self, model_id: str, model_version: str) -> int:
        return self.number("version", version_name(model_id, model_version))

    def set_of(self, kind: str, names: Iterable[str]) -> int:
        members = sorted(set(names))
        text = json.dumps(members)
        known = self._known.get((kind, text)) or self._stored(kind, text)
        if known is None:
            known = self._added(kind, text)
            self._db.executemany("INSERT INTO members VALUES (?, ?, ?)", [(kind, member, known) for member in members])
        self._known[kind, text] = known
        return known

    def _stored(self, kind: str, name: str) -> int | None:
        found = self._db.execute("SELECT id FROM names WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        return None if found is None else int(found[0])

    def _added(self, kind: str, name: str) -> int:
        return int(self._db.execute("INSERT INTO names (kind, name) VALUES (?, ?)", (kind, name)).lastrowid or 0)


def version_name(model_id: str, model_version: str) -> str:
    return json.dumps([model_id, model_version])


def named(db: Connection, kind: str) -> dict[int, str]:
    """Every name of a kind, by its number."""
    return dict(db.execute("SELECT id, name FROM names WHERE kind = ?", (kind,)))


def number_of(db: Connection, kind: str, name: str) -> int:
    """-1 where nobody has that name: a number that no row has."""
    found = db.execute("SELECT id FROM names WHERE kind = ? AND name = ?", (kind, name)).fetchone()
    return -1 if found is None else int(found[0])
