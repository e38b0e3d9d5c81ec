"""Reviews: the designs of a window with what people made of them, and the model versions that there are."""

import json
from dataclasses import dataclass

from services.feedback.accuracy.review import Outcome, Review, Window
from services.feedback.read_model.database import Connection
from services.feedback.read_model.filters import among
from services.feedback.read_model.judged import outcome_of
from services.feedback.read_model.names import named, number_of, version_name
from services.feedback.read_model.taking_tallies import ALL_SOURCES
from services.feedback.read_model.totals import whole_minute
from shared.streams.tallies import MINUTE_MS

_EVER_MS = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Version:
    """A model version, the log time of its first and last counted frames, and the thresholds seen, oldest first."""

    model_id: str
    model_version: str
    first_ms: int
    last_ms: int
    thresholds: tuple[str, ...]


def reviews(db: Connection, window: Window, collection: str) -> list[Review]:
    """Every design of the window, as `totals` count its frames, by the minute; in the order of the frames' log time."""
    version = number_of(db, "version", version_name(window.model_id, window.model_version))
    source = None if window.source_id is None else number_of(db, "source", window.source_id)
    sources = named(db, "source")
    rows = db.execute(
        "SELECT sample_id, samples.frame_id, source, time_ms, probability, floor_probability, on_floor, audit, lacks, body"
        " FROM samples LEFT JOIN outcomes ON outcomes.frame_id = samples.frame_id AND outcomes.version = samples.version"
        " WHERE audit IS NOT NULL AND samples.version = ?1 AND collection = ?2 AND time_ms >= ?3 AND time_ms < ?4"
        " AND (?5 IS NULL OR source = ?5) ORDER BY time_ms, sample_id",
        (version, number_of(db, "collection", collection), *_minutes(window), source),
    )
    return [
        Review(
            sample_id=sample_id,
            frame_id=frame_id,
            source_id=sources[number],
            model_id=window.model_id,
            model_version=window.model_version,
            time_ms=time_ms,
            probability=probability,
            floor_probability=floor_probability,
            on_floor=bool(on_floor),
            audit=audit,
            missing=missing,
            outcome=outcome_of(body),
        )
        for sample_id, frame_id, number, time_ms, probability, floor_probability, on_floor, audit, missing, body in rows
    ]


def shown_boxes(db: Connection, window: Window, collection: str) -> dict[str, dict[str, int]]:
    """Per sample id, boxes shown per class, of the designs of the window."""
    rows = db.execute(
        "SELECT sample_id, shown FROM samples"
        " WHERE audit IS NOT NULL AND version = ? AND collection = ? AND time_ms >= ? AND time_ms < ?",
        (
            number_of(db, "version", version_name(window.model_id, window.model_version)),
            number_of(db, "collection", collection),
            *_minutes(window),
        ),
    )
    return {sample_id: json.loads(shown) for sample_id, shown in rows}


def _minutes(window: Window) -> tuple[int, int]:
    return whole_minute(window.since_ms), whole_minute(window.until_ms)


def outcomes(db: Connection, model_id: str, model_version: str) -> dict[str, Outcome | None]:
    """Per frame id, of everything that people judged of a model version, drawn or not."""
    version = number_of(db, "version", version_name(model_id, model_version))
    rows = db.execute("SELECT frame_id, body FROM outcomes WHERE version = ?", (version,))
    return {frame_id: outcome_of(body) for frame_id, body in rows}


def thresholds(db: Connection, window: Window, sources: frozenset[int] | None = None) -> tuple[str, ...]:
    """Product thresholds that frames of these sources had, oldest first: those between whose first and last frame some of the
    window lies."""
    version = number_of(db, "version", version_name(window.model_id, window.model_version))
    of_sources, numbers = ("1", []) if sources is None else _among_sources(sources)
    rows = db.execute(
        f"SELECT threshold FROM thresholds WHERE version = ? AND first_ms < ? AND last_ms >= ? AND {of_sources}"
        " GROUP BY threshold ORDER BY MIN(first_ms), threshold",
        (version, window.until_ms, window.since_ms, *numbers),
    )
    return tuple(threshold for (threshold,) in rows)


def versions(db: Connection, sources: frozenset[int] | None = None, *, judged: bool = False) -> list[Version]:
    """Oldest first. `sources`: numbers of those that count; None: all. A version that none of them has is not there.

    `judged`: those too of which there are verdicts alone, a shadow's: nobody counts or draws its frames.
    """
    found = [_version(db, number, name, sources, judged) for number, name in named(db, "version").items()]
    return sorted(
        (one for one in found if one is not None), key=lambda one: (one.first_ms, one.model_id, one.model_version)
    )


def _version(db: Connection, number: int, name: str, sources: frozenset[int] | None, judged: bool) -> Version | None:
    times = [*_counted(db, number, sources), *_drawn(db, number, sources)]
    met = [time_ms for time_ms in times if time_ms is not None]
    if judged and not met:
        met = [time_ms for time_ms in _judged(db, number, sources) if time_ms is not None]
    if not met:
        return None
    model_id, model_version = json.loads(name)
    seen = thresholds(db, Window(model_id, model_version, *_EVER_MS), sources)
    return Version(model_id, model_version, min(met), max(met), seen)


def _counted(db: Connection, version: int, sources: frozenset[int] | None) -> list[int | None]:
    times: list[int | None] = []
    for source in [ALL_SOURCES] if sources is None else sources:
        for which in ("MIN", "MAX"):  # one at a time, each is a seek
            sql = f"SELECT {which}(at_ms) FROM counted WHERE span_ms = ? AND version = ? AND source = ?"
            times += db.execute(sql, (MINUTE_MS, version, source)).fetchone()
    return times


def _drawn(db: Connection, version: int, sources: frozenset[int] | None) -> list[int | None]:
    """Each collection is a seek of its own: the index is by version, collection and time."""
    of_sources, numbers = ("1", []) if sources is None else _among_sources(sources)
    times: list[int | None] = []
    for collection in named(db, "collection"):
        for which in ("MIN", "MAX"):
            sql = f"SELECT {which}(time_ms) FROM samples WHERE audit IS NOT NULL AND version = ? AND collection = ?"
            times += db.execute(f"{sql} AND {of_sources}", (version, collection, *numbers)).fetchone()
    return times


def _judged(db: Connection, version: int, sources: frozenset[int] | None) -> list[int | None]:
    of_sources, numbers = ("1", []) if sources is None else _among_sources(sources)
    sql = f"SELECT MIN(time_ms), MAX(time_ms) FROM verdicts WHERE version = ? AND {of_sources}"
    return list(db.execute(sql, (version, *numbers)).fetchone())


def _among_sources(sources: frozenset[int]) -> tuple[str, list[str]]:
    condition, numbers = among("source", sources)
    return condition, [numbers]
