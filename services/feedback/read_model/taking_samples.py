"""Samples and receipts, as rows.

Promises: of several samples with one id the first in the log counts, but a design before a neighbour, and either before a
revision; of several receipts of a delivery the last. Samples and receipts may come in either order.
"""

import json

from services.feedback.accuracy.judging import shown_per_class
from services.feedback.read_model.database import Connection
from services.feedback.read_model.judged import STATES
from services.feedback.read_model.names import Names
from services.feedback.read_model.packing import packed
from services.feedback.read_model.telling import decided, told_always
from shared.streams import ids
from shared.streams.samples import Design, Neighbour, Revision, Sample
from shared.streams.uploads import Receipt

REVISION, NEIGHBOUR, DESIGN = 1, 2, 3
"""Ranks: which record a sample is told by, where there are several."""
OLD_FLOORS = ("random", "every_nth", "floor")
"""What is the floor in designs that do not say it."""
_RANK = {Revision: REVISION, Neighbour: NEIGHBOUR, Design: DESIGN}
_WORST_FIRST = ("pending", "dead_lettered", "evicted", "uncertain", "withdrawn", "sent")
STATE = """CASE WHEN outcome IN ('accepted', 'already_there', 'updated') THEN 'sent' WHEN outcome <> '' THEN outcome
    WHEN has_image THEN 'pending' ELSE 'missing' END"""
"""Of a row of `deliveries`."""


def take_sample(db: Connection, sample: Sample, names: Names, salt: bytes) -> None:
    if isinstance(sample, Revision):
        db.execute("INSERT OR IGNORE INTO revisions VALUES (?, ?)", (sample.revision, sample.effect))
    if sample.image is not None:
        image = sample.image.model_dump_json(exclude_none=True)
        db.execute("INSERT OR IGNORE INTO images VALUES (?, ?)", (sample.sample_id, image))
    _take_row(db, sample, names, salt)
    _promise(db, sample, names.number("source", sample.prediction.source_id))


def take_receipt(db: Connection, receipt: Receipt) -> None:
    end = (receipt.outcome, receipt.host_id, receipt.detail, receipt.attempts, receipt.delivered_at)
    db.execute(
        "INSERT INTO deliveries VALUES (?, ?, ?, 0, 0, NULL, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " outcome = excluded.outcome, host_id = excluded.host_id, detail = excluded.detail,"
        " attempts = excluded.attempts, delivered_at = excluded.delivered_at",
        (receipt.sample_id, receipt.revision, receipt.destination, *end),
    )


def settle(db: Connection, sample_id: str, names: Names) -> None:
    """The worst of the sample's deliveries is its upload state; `none` where there was nothing to send."""
    found = db.execute(f"SELECT DISTINCT {STATE} FROM deliveries WHERE sample_id = ? AND promised", (sample_id,))
    states = {state for (state,) in found}
    upload = next((state for state in _WORST_FIRST if state in states), "none")
    db.execute(
        "UPDATE samples SET upload = ?2, has_image = ?1 IN (SELECT sample_id FROM images) WHERE sample_id = ?1",
        (sample_id, names.number("upload", upload)),
    )


def floor_of(design: Design) -> tuple[str, ...]:
    return design.floor or OLD_FLOORS


def _take_row(db: Connection, sample: Sample, names: Names, salt: bytes) -> None:
    known = db.execute("SELECT row, rank FROM samples WHERE sample_id = ?", (sample.sample_id,)).fetchone()
    rank = _RANK[type(sample)]
    if known is not None and known[1] >= rank:
        return
    drawn = _drawn(sample, salt)
    values = {**_values(sample, names), **drawn, "rank": rank}
    if known is not None:
        values["row"] = known[0]
        db.execute("DELETE FROM samples WHERE row = ?", known[:1])
    columns = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    row = db.execute(f"INSERT INTO samples ({columns}) VALUES ({marks})", values).lastrowid
    told = (packed(told_always(sample, drawn).encode()), decided(sample))
    db.execute("INSERT OR REPLACE INTO bodies VALUES (?, ?, ?)", (row, *told))


def _values(sample: Sample, names: Names) -> dict[str, object]:
    prediction = sample.prediction
    return {
        "sample_id": sample.sample_id,
        "frame_id": prediction.frame.frame_id,
        "prediction_id": sample.prediction_id,
        "time_ms": prediction.frame.time_ms,
        "collection": names.number("collection", sample.collection),
        "source": names.number("source", prediction.source_id),
        "version": names.version(prediction.model_id, prediction.model_version),
        "strategies": names.set_of("strategies", _drawn_by(sample)),
        "classes": names.set_of("classes", shown_per_class(prediction)),
        "missing": names.number("missing", sample.missing or ""),
        "lacks": sample.missing,
        "judged": names.set_of("judged", STATES),
        "upload": names.number("upload", "none"),
        "has_image": sample.image is not None,
        "bytes": 0 if sample.image is None else sample.image.size,
    }


def _drawn_by(sample: Sample) -> set[str]:
    return {reason.strategy for reason in sample.reasons} if isinstance(sample, Design) else set()


def _drawn(sample: Sample, salt: bytes) -> dict[str, object]:
    """What only designs have."""
    if not isinstance(sample, Design):
        return {}
    floor = floor_of(sample)
    return {
        "audit": ids.draw(salt, "audit", sample.collection, "review", sample.prediction.frame.frame_id),
        "probability": sample.probability,
        "floor_probability": ids.union(p for label, p in sample.probabilities.items() if label in floor),
        "on_floor": not _drawn_by(sample).isdisjoint(floor),
        "shown": json.dumps(shown_per_class(sample.prediction)),
    }


def _promise(db: Connection, sample: Sample, source: int) -> None:
    """Every delivery that the sample names. What a design names takes the place of what its neighbour named."""
    rank = _RANK[type(sample)]
    key = (sample.sample_id, sample.revision)
    best = db.execute("SELECT MAX(promised) FROM deliveries WHERE sample_id = ? AND revision = ?", key).fetchone()[0]
    if best is not None and best >= rank:
        return
    db.execute("UPDATE deliveries SET promised = 0 WHERE sample_id = ? AND revision = ?", key)
    db.executemany(
        "INSERT INTO deliveries (sample_id, revision, destination, promised, has_image, source) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET promised = excluded.promised, has_image = excluded.has_image, source = excluded.source",
        [(*key, destination, rank, sample.image is not None, source) for destination in sample.destinations],
    )
