"""Samples by filter: pages of them, and how many there are beside each value of each filter.

Promises: pages by keyset, so that the last costs what the first does. A sample is JSON from the moment at which it is taken,
so that a page is read and not made; its form is `answers.Sample`.
"""

import json
from collections import Counter
from typing import Literal, cast

from services.feedback.read_model.answers import Value, VersionValue
from services.feedback.read_model.cursor import Cursor
from services.feedback.read_model.database import Connection
from services.feedback.read_model.filters import SETS, Filters, where
from services.feedback.read_model.judged import OPEN, STATES
from services.feedback.read_model.packing import unpacked

Order = Literal["newest", "audit"]
_ORDERS = {
    "newest": ("samples_newest", "time_ms", "1", "(time_ms, sample_id) < (?, ?)", "time_ms DESC, sample_id DESC"),
    "audit": ("samples_audit", "audit", "audit IS NOT NULL", "(audit, sample_id) > (?, ?)", "audit, sample_id"),
}
"""Index, key, which samples, what comes after a cursor, order."""


def page(
    db: Connection, filters: Filters, order: Order, cursor: Cursor | None, limit: int
) -> tuple[list[bytes], Cursor | None]:
    """At most `limit` samples as JSON, and where the next page begins."""
    index, key, which, after, ordered = _ORDERS[order]
    conditions, args = where(db, filters)
    if cursor is not None:
        which += f" AND {after}"
    sql = f"SELECT row, {key}, sample_id FROM samples INDEXED BY {index} WHERE {which} AND {conditions} ORDER BY {ordered}"
    seen = () if cursor is None else (cursor.key, cursor.id)
    found = db.execute(f"{sql} LIMIT ?", (*seen, *args, limit + 1)).fetchall()
    samples = [sample_json(db, row) for row, _, _ in found[:limit]]
    return samples, Cursor(order, *found[limit - 1][1:]) if len(found) > limit else None


def sample_row(db: Connection, sample_id: str) -> tuple[int, str, int] | None:
    """(row, source id, number of the model version) of a sample."""
    found = db.execute(
        "SELECT row, name, version FROM samples JOIN names ON names.id = source WHERE sample_id = ?", (sample_id,)
    ).fetchone()
    return None if found is None else cast("tuple[int, str, int]", tuple(found))


_SAMPLE = """SELECT bodies.body, images.body,
    (SELECT name FROM names WHERE id = judged), (SELECT name FROM names WHERE id = upload)
    FROM samples JOIN bodies USING (row) LEFT JOIN images USING (sample_id) WHERE row = ?"""


def sample_json(db: Connection, row: int) -> bytes:
    """An `answers.Sample`: what never changes, as it was written, and what does."""
    body, image, judged, upload = db.execute(_SAMPLE, (row,)).fetchone()
    kinds = json.loads(judged)
    changing = {"verdicts": [kind for kind in kinds if kind not in STATES], "open": OPEN in kinds, "upload": upload}
    return b'%b,"image":%b,%b' % (unpacked(body)[:-1], (image or "null").encode(), json.dumps(changing).encode()[1:])


def values(db: Connection, facet: str, found: Counter[int]) -> list[Value]:
    """By name, those with the most samples first; of a set each of its names."""
    named = Counter[str]()
    for number, samples in found.items():
        name = _name(db, number)
        for one in json.loads(name) if facet in SETS else [name]:
            named[one] += samples
    return [Value(value=name, samples=n) for name, n in sorted(named.items(), key=_most_first) if name]


def version_values(db: Connection, found: Counter[int]) -> list[VersionValue]:
    named = {_name(db, number): samples for number, samples in found.items()}
    return [
        VersionValue(model_id=model_id, model_version=version, samples=samples)
        for name, samples in sorted(named.items(), key=_most_first)
        for model_id, version in [json.loads(name)]
    ]


def _name(db: Connection, number: int) -> str:
    return str(db.execute("SELECT name FROM names WHERE id = ?", (number,)).fetchone()[0])


def _most_first(named: tuple[str, int]) -> tuple[int, str]:
    return -named[1], named[0]
