"""One sample and all that happened to it."""

import json

from services.feedback.read_model import browse, history
from services.feedback.read_model.answers import Delivery, SampleDetail
from services.feedback.read_model.database import Connection
from services.feedback.read_model.names import named
from services.feedback.read_model.packing import unpacked_json
from services.feedback.read_model.taking_samples import STATE


def detail(db: Connection, row: int, excluded: frozenset[str]) -> SampleDetail:
    sample = browse.sample_at(db, row)
    prediction = sample.prediction
    versions = [n for n, name in named(db, "version").items() if json.loads(name)[0] == prediction.model_id]
    said = unpacked_json(db.execute("SELECT body FROM bodies WHERE row = ?", (row,)).fetchone()[0])
    return SampleDetail(
        sample=sample,
        probabilities=said.get("probabilities", {}),
        scores=said.get("scores", {}),
        gate=said.get("gate"),
        settings_version=said["settings_version"],
        history=history.of_frame(db, prediction.frame_id, versions, excluded),
        exposures=history.exposures(db, prediction.frame_id, versions),
        uploads=_deliveries(db, sample.sample_id),
    )


def _deliveries(db: Connection, sample_id: str) -> list[Delivery]:
    rows = db.execute(
        f"SELECT destination, revision, {STATE}, outcome, host_id, detail, attempts, delivered_at FROM deliveries"
        " WHERE sample_id = ? AND promised ORDER BY revision <> '', destination, revision",
        (sample_id,),
    )
    return [Delivery(**dict(zip(Delivery.model_fields, row, strict=True))) for row in rows]
