"""GET /v1/predictions: what models said lately, as a list, one by one, and live; GET /v1/sources: of which cameras.

Promises: a key with sources sees those alone; nothing is read from the log that nobody asks for.
"""

from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Header, Path, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import BaseModel, Field

from services.feedback.access.caller import Caller
from services.feedback.api.access import calling
from services.feedback.api.problems import responses
from services.feedback.desk import Desk
from services.feedback.recent.resuming import MAX_CHARS
from services.feedback.recent.streaming import MEDIA_TYPE, LiveStream
from services.feedback.recent.view import EXAMPLE, ShownPrediction, shown
from services.feedback.recent.wanted import Wanted
from shared.streams import ids

MAX_SOURCE_CHARS = 4_096
MAX_SOURCES = 100
MAX_LIMIT = 100

SourceId = Annotated[str, Query(min_length=1, max_length=MAX_SOURCE_CHARS, description="the camera")]
SourceIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_CHARS)]],
    Query(max_length=MAX_SOURCES, description="a camera, may be repeated; none: all that the key sees"),
]
ModelId = Annotated[str | None, Query(max_length=1_000, description="of this model alone")]
Role = Annotated[Literal["live", "shadow"] | None, Query(description="of live models, or of shadows, alone")]
PredictionId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        description="PARTITION-OFFSET-CHECKSUM",
        json_schema_extra={"pattern": ids.PREDICTION_ID_PATTERN},
    ),
]


class PredictionPage(BaseModel):
    """The newest predictions of a source, the newest first."""

    predictions: list[ShownPrediction]
    before: str | None = Field(description="send it as `before` for the next page; null: nothing older is there")
    complete: bool = Field(description="false: it was looked at as much as one request may, and there may be more")


class Source(BaseModel):
    """A camera that predictions came of."""

    source_id: str
    partition: int = Field(description="of `predictions`, and of `frames`")
    seen_ms: int = Field(description="log time of its last prediction, UTC milliseconds; may be seconds old")


class Sources(BaseModel):
    """The latest first."""

    sources: list[Source]


def add(app: FastAPI, desk: Desk) -> None:
    _add_page(app, desk)
    _add_stream(app, desk)
    _add_one(app, desk)
    _add_sources(app, desk)


def _add_page(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")

    @app.get("/v1/predictions", summary="The newest predictions of a source", responses=responses(401, 403, 422, 503))
    def get_predictions(
        caller: Annotated[Caller, Depends(caller)],
        source_id: SourceId,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
        before: Annotated[str | None, Query(max_length=64, description="where an earlier page ended")] = None,
        model_id: ModelId = None,
        role: Role = None,
    ) -> PredictionPage:
        """Looks back from the end of the log, at most 20,000 predictions (of all cameras that share a partition) or two
        seconds: `complete` says whether that was enough, and `before` goes on from there.
        """
        wanted = Wanted(caller, frozenset([source_id]), model_id, role)
        page = desk.recent.page(source_id, wanted, limit, before)
        found = [shown(one.prediction_id, one.prediction) for one in page.found]
        return PredictionPage(predictions=found, before=page.before, complete=page.complete)


def _add_stream(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")
    recent = desk.recent

    @app.get(
        "/v1/predictions/stream",
        summary="Predictions as they come",
        status_code=200,
        response_class=LiveStream,
        responses={**responses(401, 403, 422, 429, 503), 200: {"content": {MEDIA_TYPE: {"example": _EVENT}}}},
    )
    async def stream_predictions(
        caller: Annotated[Caller, Depends(caller)],
        source_id: SourceIds = [],  # noqa: B006 FastAPI copies it
        model_id: ModelId = None,
        role: Role = None,
        last_event_id: Annotated[str | None, Header(max_length=MAX_CHARS)] = None,
    ) -> Response:
        """Server-sent events: `prediction`, each with the JSON that the list has. With `Last-Event-ID`, which browsers send by
        themselves, it goes on where it broke off, without a gap while `predictions` keeps them. `dropped` says how many a
        client lost that was too slow, or away for longer than that.
        """
        wanted = Wanted(caller, frozenset(source_id), model_id, role)
        start = await run_in_threadpool(recent.starting, wanted, last_event_id)
        subscription = start()
        recent.tail.join(subscription)
        return LiveStream(subscription, recent.tail.leave)


def _add_one(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")

    @app.get(
        "/v1/predictions/{prediction_id}", summary="One prediction", responses=responses(401, 403, 404, 410, 422, 503)
    )
    def get_prediction(caller: Annotated[Caller, Depends(caller)], prediction_id: PredictionId) -> ShownPrediction:
        """As long as `predictions` keeps it: 7 days, unless the log was set up otherwise."""
        return shown(prediction_id, desk.lookup.prediction_for(caller, prediction_id))


def _add_sources(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "read")

    @app.get("/v1/sources", summary="Cameras of which predictions came lately", responses=responses(401, 403, 503))
    def get_sources(caller: Annotated[Caller, Depends(caller)]) -> Sources:
        """Those met near the end of the log, and those that were met there before while this service ran."""
        places = desk.recent.sources(caller)
        return Sources(
            sources=[Source(source_id=one.source_id, partition=one.partition, seen_ms=one.seen_ms) for one in places]
        )


_EVENT = f"id: {EXAMPLE['prediction_id']}\nevent: prediction\ndata: {{…}}\n\n"
