"""What people said of each frame, folded anew when a verdict or a sample of it comes: outcomes, and what samples are found by.

Promises: a fold reads the verdicts that stand, the new ones, and what silence said, so that it costs the same however many
there were, and gives the same.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict

from services.feedback.accuracy.judging import is_excluded, judge
from services.feedback.accuracy.review import Outcome
from services.feedback.read_model.database import Connection
from services.feedback.read_model.names import Names
from services.feedback.read_model.packing import unpacked
from services.feedback.read_model.standing import agreements, standing
from shared.streams.verdicts import Verdict

OPEN = "open"
"""Among the kinds that a sample is filtered by: nobody has decided whether the frame is right."""
UNSEARCHED = "unsearched"
"""Likewise: nobody has looked at the whole frame for what was missed, so it says nothing of misses and recall."""
STATES = (OPEN, UNSEARCHED)
"""What is no verdict's kind."""
Frame = tuple[str, int]
"""(frame id, number of the model version)."""


def fold(db: Connection, frame: Frame, names: Names, excluded: Collection[str]) -> None:
    """Brings verdicts, outcome and samples of one frame up to date."""
    said = _said(db, frame)
    if not said:
        return  # a sample that nobody judged is open as it is
    stand = standing(said, excluded)
    _mark(db, said, stand, excluded)
    outcome = judge(stand[-1].prediction, stand, excluded) if stand else None
    _keep(db, frame, outcome)
    judged = names.set_of("judged", {*(verdict.kind for verdict in stand), *_lacking(outcome)})
    db.execute("UPDATE samples SET judged = ? WHERE frame_id = ? AND version = ?", (judged, *frame))


def _lacking(outcome: Outcome | None) -> Iterator[str]:
    if outcome is None or outcome.wrong is None:
        yield OPEN
    if outcome is None or outcome.missed is None:
        yield UNSEARCHED


def outcome_of(body: str | None) -> Outcome | None:
    return None if body is None else Outcome(**json.loads(body))


def _said(db: Connection, frame: Frame) -> list[Verdict]:
    """In the order of the log, which is the order of the rows: one frame's verdicts lie on one partition.

    Silence too where a person's word has outranked it: it stands again when they are unsure in the end.
    """
    bodies = db.execute(
        "SELECT body FROM verdicts JOIN verdict_bodies USING (row) WHERE frame_id = ? AND version = ?"
        " AND (standing OR kind = 'affirmed') ORDER BY row",
        frame,
    )
    return [Verdict.model_validate_json(unpacked(body)) for (body,) in bodies]


def _mark(db: Connection, said: list[Verdict], stand: list[Verdict], excluded: Collection[str]) -> None:
    staying = {verdict.verdict_id for verdict in stand}
    gone = [(verdict.verdict_id,) for verdict in said if verdict.verdict_id not in staying]
    db.executemany("UPDATE verdicts SET standing = 0 WHERE verdict_id = ?", gone)
    silent = [(verdict.verdict_id,) for verdict in stand if verdict.kind == "affirmed"]
    db.executemany("UPDATE verdicts SET standing = 1 WHERE verdict_id = ?", silent)
    told = [(agreed, one) for one, agreed in agreements(v for v in said if not is_excluded(v, excluded))]
    db.executemany("UPDATE verdicts SET agreed = ? WHERE verdict_id = ?", told)


def _keep(db: Connection, frame: Frame, outcome: Outcome | None) -> None:
    if outcome is None:
        db.execute("DELETE FROM outcomes WHERE frame_id = ? AND version = ?", frame)
    else:
        db.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)", (*frame, json.dumps(asdict(outcome))))
