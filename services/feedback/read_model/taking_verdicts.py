"""Verdicts and exposures, as rows. Two with one id are one: the first in the log counts."""

from services.feedback.read_model.database import Connection
from services.feedback.read_model.judged import Frame
from services.feedback.read_model.names import Names
from services.feedback.read_model.packing import packed
from services.feedback.read_model.standing import person_of
from shared.streams.record import Record
from shared.streams.verdicts import Shown, Verdict


def take_verdict(db: Connection, record: Record, verdict: Verdict, names: Names) -> Frame | None:
    """The frame that has to be folded anew; None where the verdict was known."""
    prediction = verdict.prediction
    version = names.version(prediction.model_id, prediction.model_version)
    row = db.execute(
        "INSERT OR IGNORE INTO verdicts (verdict_id, time_ms, frame_id, version, source, prediction_id, kind,"
        " detection_index, person, standing) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) RETURNING row",
        (
            verdict.verdict_id,
            record.time_ms,
            prediction.frame.frame_id,
            version,
            names.number("source", prediction.source_id),
            verdict.prediction_id,
            verdict.kind,
            verdict.detection_index,
            person_of(verdict),
        ),
    ).fetchone()
    if row is None:
        return None
    db.execute("INSERT INTO verdict_bodies VALUES (?, ?)", (row[0], packed(record.value or b"")))
    return prediction.frame.frame_id, version


def take_shown(db: Connection, record: Record, shown: Shown, names: Names) -> None:
    body = shown.model_dump_json(exclude_none=True, exclude={"prediction"})
    version = names.version(shown.model_id, shown.model_version)
    row = (shown.exposure_id, shown.frame_id, version, record.time_ms, body)
    db.execute("INSERT OR IGNORE INTO exposures VALUES (?, ?, ?, ?, ?)", row)
