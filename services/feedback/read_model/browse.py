"""Samples by filter: pages of them, and how many there are beside each value of each filter.

Promises: pages by keyset, so that the last costs what the first does; one pass over a covering index for all counts.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Literal, cast

from services.feedback.read_model.answers import Sample, Value, VersionValue
from services.feedback.read_model.cursor import Cursor
from services.feedback.read_model.database import Connection
from services.feedback.read_model.filters import FACETS, SETS, Accepted, Filters, accepted, base, where
from services.feedback.read_model.judged import OPEN
from services.feedback.read_model.packing import unpacked_json
from services.feedback.recent.view import shown
from shared.streams.predictions import Prediction

Order = Literal["newest", "audit"]
_ORDERS = {
    "newest": ("samples_newest", "time_ms", "1", "(time_ms, sample_id) < (?, ?)", "time_ms DESC, sample_id DESC"),
    "audit": ("samples_audit", "audit", "audit IS NOT NULL", "(audit, sample_id) > (?, ?)", "audit, sample_id"),
}
"""Index, key, which samples, what comes after a cursor, order."""
_KINDS = {1: "revision", 2: "neighbour", 3: "design"}
Counts = dict[str, Counter[int]]


def page(
    db: Connection, filters: Filters, order: Order, cursor: Cursor | None, limit: int
) -> tuple[list[Sample], Cursor | None]:
    """At most `limit` samples, and where the next page begins."""
    index, key, which, after, ordered = _ORDERS[order]
    conditions, args = where(db, filters)
    if cursor is not None:
        which += f" AND {after}"
    sql = f"SELECT row, {key}, sample_id FROM samples INDEXED BY {index} WHERE {which} AND {conditions} ORDER BY {ordered}"
    seen = () if cursor is None else (cursor.key, cursor.id)
    found = db.execute(f"{sql} LIMIT ?", (*seen, *args, limit + 1)).fetchall()
    samples = [_sample(db, row) for row, _, _ in found[:limit]]
    return samples, Cursor(order, *found[limit - 1][1:]) if len(found) > limit else None


def sample_row(db: Connection, sample_id: str) -> tuple[int, str, int] | None:
    """(row, source id, number of the model version) of a sample."""
    found = db.execute(
        "SELECT row, name, version FROM samples JOIN names ON names.id = source WHERE sample_id = ?", (sample_id,)
    ).fetchone()
    return None if found is None else cast("tuple[int, str, int]", tuple(found))


_SAMPLE = """SELECT rank, prediction_id, probability, floor_probability, audit, lacks, bodies.body, images.body,
    (SELECT name FROM names WHERE id = judged), (SELECT name FROM names WHERE id = upload)
    FROM samples JOIN bodies USING (row) LEFT JOIN images USING (sample_id) WHERE row = ?"""


def _sample(db: Connection, row: int) -> Sample:
    rank, prediction_id, probability, floor, audit, missing, body, image, judged, upload = db.execute(
        _SAMPLE, (row,)
    ).fetchone()
    said, kinds = unpacked_json(body), json.loads(judged)
    return Sample.model_validate(
        {
            "sample_id": said["sample_id"],
            "kind": _KINDS[rank],
            "collection": said["collection"],
            "prediction": shown(prediction_id, Prediction.model_validate(said["prediction"])),
            "reasons": said.get("reasons", ()),
            "probability": probability,
            "floor_probability": floor,
            "audit": audit,
            "image": None if image is None else json.loads(image),
            "missing": missing,
            "verdicts": [kind for kind in kinds if kind != OPEN],
            "open": OPEN in kinds,
            "upload": upload,
            "tags": said.get("tags", ()),
        }
    )


sample_at = _sample


def counts(db: Connection, filters: Filters) -> tuple[int, Counts]:
    """(samples that pass all filters, per facet and number the samples that pass all others)."""
    conditions, args = base(db, filters)
    columns = ", ".join(FACETS)
    cells = db.execute(
        f"SELECT {columns}, COUNT(*) FROM samples INDEXED BY samples_cells WHERE {conditions} GROUP BY {columns}"
        " ORDER BY NULL",
        args,
    )
    return _counted(cells, accepted(db, filters))


def _counted(cells: Iterable[tuple[int, ...]], passing: Accepted) -> tuple[int, Counts]:
    looked_at = [(at, passing[facet]) for at, facet in enumerate(FACETS) if facet in passing]
    found: list[Counter[int]] = [Counter() for _ in FACETS]
    total = 0
    for cell in cells:
        failing = [at for at, numbers in looked_at if cell[at] not in numbers]
        if len(failing) > 1:
            continue
        samples = cell[-1]
        total += samples if not failing else 0
        for at in failing or range(len(FACETS)):
            found[at][cell[at]] += samples
    return total, dict(zip(FACETS, found, strict=True))


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
