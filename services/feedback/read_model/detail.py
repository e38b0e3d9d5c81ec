"""One sample and all that happened to it."""

import json

from services.feedback.read_model import browse, history
from services.feedback.read_model.answers import Delivery, Sample, SampleDetail
from services.feedback.read_model.database import Connection
from services.feedback.read_model.names import named
from services.feedback.read_model.taking_samples import STATE


def detail(db: Connection, row: int, excluded: frozenset[str]) -> SampleDetail:
    sample = Sample.model_validate_json(browse.sample_json(db, row))
    prediction = sample.prediction
    versions = [n for n, name in named(db, "version").items() if json.loads(name)[0] == prediction.model_id]
    (decided,) = db.execute("SELECT decided FROM bodies WHERE row = ?", (row,)).fetchone()
    return SampleDetail(
        sample=sample,
        **json.loads(decided),
        history=history.of_frame(db, prediction.frame_id, versions, excluded),
        exposures=history.exposures(db, prediction.frame_id, versions),
        uploads=_deliveries(db, sample.sample_id),
    )


def _deliveries(db: Connection, sample_id: str) -> list[Delivery]:
    rows = db.execute(
        f"SELECT destination, revision, {STATE}, NULLIF(outcome, ''), host_id, detail, attempts, delivered_at FROM deliveries"
        " WHERE sample_id = ? AND promised ORDER BY revision <> '', destination, revision",
        (sample_id,),
    )
    return [Delivery(**dict(zip(Delivery.model_fields, row, strict=True))) for row in rows]
