"""What was said: verdicts with what became of them, exposures, and the people who gave the verdicts."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.feedback.accuracy.judging import is_excluded
from services.feedback.read_model.answers import ExposureTold, Reviewer, VerdictTold
from services.feedback.read_model.cursor import Cursor
from services.feedback.read_model.database import Connection
from services.feedback.read_model.filters import among
from services.feedback.read_model.packing import unpacked
from shared.streams.verdicts import Verdict

NEWEST = "verdicts"
_DECIDED = ("confirmed", "rejected", "missed", "corrected")
_TOLD = tuple(VerdictTold.model_fields.keys() & Verdict.model_fields.keys())


@dataclass(frozen=True, slots=True)
class VerdictFilters:
    """`sources`: numbers of the sources that are asked for and may be seen; None: all."""

    people: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    sources: frozenset[int] | None = None
    prediction_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def page(
    db: Connection, filters: VerdictFilters, cursor: Cursor | None, limit: int, excluded: Collection[str]
) -> tuple[list[VerdictTold], Cursor | None]:
    """The latest first."""
    conditions, args = _where(filters)
    if cursor is not None:
        conditions += " AND (time_ms, verdict_id) < (?, ?)"
        args += [cursor.key, cursor.id]
    found = db.execute(
        f"SELECT row, time_ms, verdict_id FROM verdicts WHERE {conditions} ORDER BY time_ms DESC, verdict_id DESC LIMIT ?",
        (*args, limit + 1),
    ).fetchall()
    told = [_told(db, row, excluded) for row, _, _ in found[:limit]]
    return told, Cursor(NEWEST, *found[limit - 1][1:]) if len(found) > limit else None


def of_frame(db: Connection, frame_id: str, versions: Iterable[int], excluded: Collection[str]) -> list[VerdictTold]:
    """All on a frame, by these versions of a model, in the order of the log."""
    condition, numbers = among("version", versions)
    rows = db.execute(f"SELECT row FROM verdicts WHERE frame_id = ? AND {condition} ORDER BY row", (frame_id, numbers))
    return [_told(db, row, excluded) for (row,) in rows.fetchall()]


def exposures(db: Connection, frame_id: str, versions: Iterable[int]) -> list[ExposureTold]:
    condition, numbers = among("version", versions)
    rows = db.execute(
        f"SELECT time_ms, body FROM exposures WHERE frame_id = ? AND {condition} ORDER BY time_ms, exposure_id",
        (frame_id, numbers),
    )
    return [
        ExposureTold.model_validate({"held": False, **json.loads(body), "time_ms": time_ms}) for time_ms, body in rows
    ]


def reviewers(db: Connection, sources: frozenset[int] | None, excluded: Collection[str]) -> list[Reviewer]:
    """Who gave verdicts, and how; silence is nobody."""
    people: defaultdict[str, _Said] = defaultdict(_Said)
    condition, args = ("1", []) if sources is None else _among(sources)
    rows = db.execute(
        "SELECT person, kind, agreed, COUNT(*), MIN(time_ms), MAX(time_ms) FROM verdicts INDEXED BY verdicts_people"
        f" WHERE kind <> 'affirmed' AND {condition} GROUP BY person, kind, agreed",
        args,
    )
    for person, kind, agreed, verdicts, first_ms, last_ms in rows:
        people[person].add(kind, agreed, verdicts, first_ms, last_ms)
    all_kinds = sum((said.by_kind for said in people.values()), Counter[str]())
    told = [said.told(person, all_kinds - said.by_kind, person in excluded) for person, said in people.items()]
    return sorted(told, key=lambda one: (-one.verdicts, one.reviewer))


class _Said:
    """One person's verdicts, while they are counted."""

    def __init__(self) -> None:
        self.by_kind: Counter[str] = Counter()
        self.compared = 0
        self.agreed = 0
        self.times: list[int] = []

    def add(self, kind: str, agreed: int | None, verdicts: int, first_ms: int, last_ms: int) -> None:
        self.by_kind[kind] += verdicts
        self.times += [first_ms, last_ms]
        if agreed is not None:
            self.compared += verdicts
            self.agreed += agreed * verdicts

    def told(self, person: str, others: Counter[str], is_excluded: bool) -> Reviewer:
        return Reviewer(
            reviewer=person,
            verdicts=self.by_kind.total(),
            by_kind=dict(sorted(self.by_kind.items())),
            rejected_share=_rejected_share(self.by_kind),
            others_rejected_share=_rejected_share(others),
            compared=self.compared,
            agreed=self.agreed,
            first_ms=min(self.times),
            last_ms=max(self.times),
            excluded=is_excluded,
        )


def _rejected_share(by_kind: Counter[str]) -> float | None:
    decided = sum(by_kind[kind] for kind in _DECIDED)
    return by_kind["rejected"] / decided if decided else None


def _told(db: Connection, row: int, excluded: Collection[str]) -> VerdictTold:
    time_ms, is_standing, body = db.execute(
        "SELECT time_ms, standing, body FROM verdicts JOIN verdict_bodies USING (row) WHERE row = ?", (row,)
    ).fetchone()
    verdict = Verdict.model_validate_json(unpacked(body))
    prediction, counts_nowhere = verdict.prediction, is_excluded(verdict, excluded)
    effect = db.execute("SELECT effect FROM revisions WHERE verdict_id = ?", (verdict.verdict_id,)).fetchone()
    return VerdictTold(
        **{name: getattr(verdict, name) for name in _TOLD},
        time_ms=time_ms,
        frame_id=prediction.frame.frame_id,
        source_id=prediction.source_id,
        model_id=prediction.model_id,
        model_version=prediction.model_version,
        superseded=not is_standing and not counts_nowhere,
        excluded=counts_nowhere,
        effect=None if effect is None else effect[0],
    )


def _where(filters: VerdictFilters) -> tuple[str, list[object]]:
    conditions, args = ["1"], list[object]()
    for column, names in (("person", filters.people), ("kind", filters.kinds)):
        if names:
            conditions.append(f"{column} IN (SELECT value FROM json_each(?))")
            args.append(json.dumps(list(names)))
    if filters.sources is not None:
        condition, numbers = _among(filters.sources)
        conditions.append(condition)
        args += numbers
    for comparison, value in (
        ("prediction_id = ?", filters.prediction_id),
        ("time_ms >= ?", filters.since_ms),
        ("time_ms < ?", filters.until_ms),
    ):
        if value is not None:
            conditions.append(comparison)
            args.append(value)
    return " AND ".join(conditions), args


def _among(sources: frozenset[int]) -> tuple[str, list[object]]:
    condition, numbers = among("source", sources)
    return condition, [numbers]
