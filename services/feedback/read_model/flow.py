"""How much flows: frames seen, drawn, kept, missing, sent, and where every promised delivery is."""

from collections import Counter

from services.feedback.read_model.answers import Ledger, Pipeline
from services.feedback.read_model.database import Connection
from services.feedback.read_model.names import named
from services.feedback.read_model.taking_samples import DESIGN, NEIGHBOUR, REVISION, STATE
from services.feedback.read_model.taking_tallies import DAY_MS


def pipeline(db: Connection, sources: frozenset[int] | None) -> Pipeline:
    """Of these sources (numbers); None: of all."""
    condition = "1" if sources is None else f"source IN ({', '.join(map(str, sorted(sources)))})"
    counted = "source = 0" if sources is None else condition
    frames, without = db.execute(
        f"SELECT COALESCE(SUM(frames), 0), COALESCE(SUM(frames_without), 0) FROM counted WHERE span_ms = ? AND {counted}",
        (DAY_MS,),
    ).fetchone()
    (passed_over,) = db.execute("SELECT COALESCE(SUM(passed_over), 0) FROM positions").fetchone()
    return Pipeline(
        frames=frames,
        frames_without=without,
        ledger=_ledger(db, condition),
        passed_over=passed_over,
        **_samples(db, condition),
    )


def _samples(db: Connection, condition: str) -> dict[str, object]:
    why, state = named(db, "missing"), named(db, "upload")
    ranks, missing, uploads = Counter[int](), Counter[str](), Counter[str]()
    kept, stored, in_state = 0, 0, Counter[str]()
    for rank, lacks, upload, samples, size in db.execute(
        f"SELECT rank, missing, upload, SUM(samples), SUM(bytes) FROM flow WHERE {condition} GROUP BY rank, missing, upload"
        " HAVING SUM(samples)"  # what a sample has passed through is no state that there is
    ):
        ranks[rank] += samples
        uploads[state[upload]] += samples
        in_state[state[upload]] += size
        if rank == DESIGN:
            kept += samples if not why[lacks] else 0
            stored += size
            missing[why[lacks]] += samples
    return {
        "drawn": ranks[DESIGN],
        "kept": kept,
        "kept_bytes": stored,
        "missing": {reason: n for reason, n in sorted(missing.items()) if reason},
        "neighbours": ranks[NEIGHBOUR],
        "judged_only": ranks[REVISION],
        "uploads": dict(sorted(uploads.items())),
        "sent_bytes": in_state["sent"],
        "pending_bytes": in_state["pending"],
    }


def _ledger(db: Connection, condition: str) -> Ledger:
    states = Counter[str]()
    for state, deliveries in db.execute(
        f"SELECT {STATE}, SUM(deliveries) FROM ledger WHERE {condition} GROUP BY outcome, has_image"
    ):
        states[state] += deliveries
    ends = {name: states[name] for name in ("pending", "dead_lettered", "evicted", "missing", "withdrawn")}
    acknowledged = states["sent"] + states["uncertain"]
    balanced = states.total() == acknowledged + sum(ends.values())
    return Ledger(accepted=states.total(), acknowledged=acknowledged, balanced=balanced, **ends)
