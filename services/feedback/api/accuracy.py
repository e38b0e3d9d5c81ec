"""GET /v1/accuracy: how good the model is in production, with intervals, or why nobody can say yet.

Promises: a figure has numbers or the reason why there are none, never both; a key for some sources gets figures of those.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel, Field

from services.feedback.access.caller import Caller
from services.feedback.accuracy import paired, words
from services.feedback.accuracy.audit import Refusal
from services.feedback.accuracy.figures import LEVEL, Figure
from services.feedback.alerts import passed
from services.feedback.api.access import calling
from services.feedback.api.problems import responses
from services.feedback.api.samples import Since, Until, sees
from services.feedback.appraisal import END_OF_TIME_MS, Appraisal, Question
from services.feedback.desk import Desk
from services.feedback.read_model.reviews import Version
from services.feedback.refusals import InvalidRequest
from shared.streams.stream import rfc3339

_STATUSES = (401, 403, 404, 422, 429, 503)
_Name = Annotated[str | None, Query(min_length=1, max_length=200)]


class VersionBody(BaseModel):
    """A model version that predicted frames."""

    model_id: str
    model_version: str
    first_at: str = Field(description="log time of its first counted minute, RFC 3339")
    last_at: str
    thresholds: list[str] = Field(description="product thresholds that its drawn frames had, oldest first")


class FigureBody(BaseModel):
    """One rate of one slice."""

    metric: str = Field(
        description="frame_error_rate, live_frame_error_rate, frame_miss_rate, precision or object_recall"
    )
    value: float | None = Field(description="the estimate; none where it was refused")
    low: float | None = Field(description="lower end of the 95 % interval")
    high: float | None
    method: str | None = Field(description="gamma, korn_graubard or confidence_sequence (valid however often you look)")
    level: float = Field(default=LEVEL, description="how often such an interval holds the truth")
    refused: str | None = Field(description="why there is no number, for programs")
    says: str = Field(description="the figure in one sentence, or why there is none")
    does_not_say: list[str]
    verified: int = Field(description="judged frames (for precision: boxes) that it was made from")
    on_floor: int = Field(description="random checks among them")
    frames: int = Field(description="all frames of the slice, drawn or not")
    shown: int | None = Field(description="for precision: all boxes that were shown")
    coverage: float = Field(description="share of all frames that the drawn ones with an image speak for")
    open: int = Field(description="drawn frames that nobody decided yet")
    missing: int = Field(description="drawn frames without an image")
    source_id: str | None
    class_name: str | None
    day: str | None = Field(description="in the settings' timezone")


class AlertBody(BaseModel):
    """A limit of the settings that is certainly passed."""

    rate: str
    limit: float
    figure: FigureBody


class AccuracyBody(BaseModel):
    """The figures of one model version."""

    of: VersionBody
    collection: str
    headline: str = Field(description="the one sentence")
    notices: list[str] = Field(description="what you should know before you believe a figure")
    alerts: list[AlertBody]
    figures: list[FigureBody]
    as_of: str | None = Field(description="all that was in the log then is in the figures")


class DifferenceBody(BaseModel):
    """Two versions on the same frames. Above 0: the second is better."""

    a: VersionBody
    b: VersionBody
    says: str
    refused: str | None
    value: float | None = Field(description="error rate of a, less that of b")
    low: float | None
    high: float | None
    only_a_wrong: float | None = Field(description="share of frames on which a alone is wrong")
    only_b_wrong: float | None
    verified: int = Field(description="frames on which both were judged")
    on_floor: int


def add(app: FastAPI, desk: Desk) -> None:
    _add_accuracy(app, desk)
    _add_versions(app, desk)
    _add_compare(app, desk)


def _add_accuracy(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")

    @app.get("/v1/accuracy", summary="How good is the model?", responses=responses(*_STATUSES))
    def accuracy(
        caller: Annotated[Caller, Depends(caller)],
        model_id: _Name = None,
        model_version: _Name = None,
        collection: _Name = None,
        since: Since = None,
        until: Until = None,
    ) -> AccuracyBody:
        """Of the newest model version unless you name one, of all its frames unless you say since when and until when."""
        question = Question(
            collection or desk.config.collection,
            model_id,
            model_version,
            0 if since is None else _ms(since),
            END_OF_TIME_MS if until is None else _ms(until),
            caller.sources,
        )
        appraisal = desk.appraisals.of(question)
        return AccuracyBody(
            of=_version(appraisal.of),
            collection=question.collection,
            headline=words.says(_headline(appraisal)),
            notices=desk.appraisals.notices(appraisal),
            alerts=[
                AlertBody(rate=one.options.rate, limit=one.options.limit, figure=_figure(one.figure))
                for one in passed(appraisal.figures, desk.config.feedback.accuracy.alerts)
            ],
            figures=[_figure(one) for one in appraisal.figures],
            as_of=None if appraisal.as_of_ms is None else rfc3339(appraisal.as_of_ms),
        )


def _add_versions(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")

    @app.get("/v1/accuracy/versions", summary="Which model versions were seen?", responses=responses(*_STATUSES))
    def versions(caller: Annotated[Caller, Depends(caller)]) -> list[VersionBody]:
        """The newest first; those too that nobody but people met: a shadow's, once its predictions were judged."""
        found = sorted(desk.model.versions(sees(caller), judged=True), key=lambda one: -one.last_ms)
        return [_version(one) for one in found]


def _add_compare(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")

    @app.get("/v1/accuracy/compare", summary="Two versions on the same frames", responses=responses(*_STATUSES))
    def compare(
        caller: Annotated[Caller, Depends(caller)],
        a: Annotated[str, Query(description="MODEL_ID@VERSION; its drawn frames are those that count", max_length=400)],
        b: Annotated[str, Query(description="MODEL_ID@VERSION: a shadow, or the next version", max_length=400)],
        collection: _Name = None,
    ) -> DifferenceBody:
        """Of the frames that were drawn for `a` and on which people judged what both said."""
        wanted, seen = collection or desk.config.collection, desk.model.versions(sees(caller), judged=True)
        first, second = (
            Question(wanted, *_named(where, text, seen), sources=caller.sources)
            for where, text in zip("ab", (a, b), strict=True)
        )
        compared = desk.appraisals.compare(first, second)
        found = compared.difference
        known = found if isinstance(found, paired.Difference) else None
        names = f"{compared.a.model_id} {compared.a.model_version}", f"{compared.b.model_id} {compared.b.model_version}"
        return DifferenceBody(
            a=_version(compared.a),
            b=_version(compared.b),
            says=words.why_not(found) if isinstance(found, Refusal) else words.compares(found, *names),
            refused=found.code if isinstance(found, Refusal) else None,
            value=known and known.rate.value,
            low=known and known.rate.low,
            high=known and known.rate.high,
            only_a_wrong=known and known.only_first.value,
            only_b_wrong=known and known.only_second.value,
            verified=known.verified if known else 0,
            on_floor=known.on_floor if known else 0,
        )


def _headline(appraisal: Appraisal) -> Figure:
    """The frame error rate of everything that the caller may see."""
    return next(one for one in appraisal.figures if one.metric == "frame_error_rate" and one.source_id is None)


def _figure(figure: Figure) -> FigureBody:
    told: dict[str, Any] = asdict(figure)
    told["refused"] = None if figure.refused is None else figure.refused.code
    return FigureBody(**told, says=words.says(figure), does_not_say=list(words.says_not(figure)))


def _version(version: Version) -> VersionBody:
    return VersionBody(
        model_id=version.model_id,
        model_version=version.model_version,
        first_at=rfc3339(version.first_ms),
        last_at=rfc3339(version.last_ms),
        thresholds=list(version.thresholds),
    )


def _named(where: str, text: str, seen: Sequence[Version]) -> tuple[str, str]:
    for one in seen:  # either may have an @ of its own
        if text == f"{one.model_id}@{one.model_version}":
            return one.model_id, one.model_version
    model_id, at, model_version = text.rpartition("@")
    if not (model_id and at and model_version):
        raise InvalidRequest(f"{where}: expected MODEL_ID@VERSION, got {text[:80]!r}", where)
    return model_id, model_version


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
