"""POST /v1/exposures, one or many: that people were really shown predictions. Without that their silence means nothing.

Promises: 202 only for what the log has; the same request again is the same exposure. In bulk each is taken or refused alone.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.feedback.access.caller import Caller
from services.feedback.api.access import calling
from services.feedback.api.body import json_body
from services.feedback.api.idempotency import IdempotencyKey
from services.feedback.api.problems import MEANING, Problem, responses, told
from services.feedback.api.schema import request_body
from services.feedback.desk import Desk
from services.feedback.exposures.exposures import Exposures, Taken
from services.feedback.exposures.request import (
    BULK_EXAMPLES,
    EXAMPLES,
    BulkRequest,
    ExposureRequest,
    Told,
    parse,
    parse_bulk,
)
from services.feedback.refusals import InvalidRequest
from shared.errors import Unavailable
from shared.streams.verdicts import Shown
from shared.telemetry import logs


class Exposed(BaseModel):
    """The log has the exposure."""

    exposure_id: str = Field(description="the same for a retry")
    prediction_id: str
    frame_id: str
    held: bool = Field(description="whether it now waits for an objection, or for silence")


class Result(BaseModel):
    """What became of one of many: the ids of one that was taken, or its error."""

    status: int = Field(description="202: the log has it; else what it would have been answered alone")
    exposure_id: str | None = None
    prediction_id: str | None = None
    frame_id: str | None = None
    held: bool | None = None
    error: Problem | None = None


class BulkAnswer(BaseModel):
    """One result for each exposure, in order."""

    taken: int = Field(description="how many the log has")
    results: list[Result]


def add(app: FastAPI, desk: Desk) -> None:
    exposures = _exposures(desk)
    _add_one(app, desk, exposures)
    _add_bulk(app, desk, exposures)


def _add_one(app: FastAPI, desk: Desk, exposures: Exposures) -> None:
    caller = calling(desk, "judge", link="expose")
    body = json_body(desk.config.feedback.max_body_bytes, desk.config.feedback.timeout_s)

    @app.post(
        "/v1/exposures",
        status_code=202,
        summary="Say that a prediction was shown to somebody",
        responses=responses(*MEANING),
        openapi_extra={"requestBody": request_body(ExposureRequest, EXAMPLES)},
    )
    def post_exposure(
        caller: Annotated[Caller, Depends(caller)],
        body: Annotated[bytes, Depends(body)],
        idempotency_key: IdempotencyKey = None,
    ) -> Exposed:
        """Send it once the prediction has really been visible, with for how long that was.

        A drawn part of what people were shown is held: when nobody has said anything about it within
        `feedback.silence.objection_s`, that silence becomes a weak affirmation. The same `Idempotency-Key` makes the same
        exposure, so a request can be sent again; without the header the content of the body is the key.
        """
        shown = exposures.take(caller, Told(parse(body), idempotency_key))
        logs.get().debug("exposure.taken", exposure_id=shown.exposure_id, caller=caller.name, link=caller.is_link)
        return Exposed(**_ids(shown))


def _add_bulk(app: FastAPI, desk: Desk, exposures: Exposures) -> None:
    options = desk.config.feedback
    caller = calling(desk, "judge")
    body = json_body(options.max_bulk_bytes, options.timeout_s, "feedback.max_bulk_bytes")

    @app.post(
        "/v1/exposures/bulk",
        status_code=202,
        summary="Say that many predictions were shown",
        response_model=BulkAnswer,
        responses={
            207: {"model": BulkAnswer, "description": "Not all of them were taken; each result says which."},
            **responses(401, 403, 408, 413, 415, 422, 429, 500, 503),
        },
        openapi_extra={"requestBody": request_body(BulkRequest, BULK_EXAMPLES)},
    )
    def post_exposures(caller: Annotated[Caller, Depends(caller)], body: Annotated[bytes, Depends(body)]) -> Response:
        """Up to 1,000 exposures, each as `POST /v1/exposures` takes it, with an `idempotency_key` of its own if wanted.

        202: the log has all of them. 207: it has those whose result says 202; the others say what is wrong. 503: it has
        none, and the same can be sent again. Sending all of them again is always safe.
        """
        outcomes = _taken(exposures, caller, parse_bulk(body))
        results = [_result(one) for one in outcomes]
        taken = sum(isinstance(one, Shown) for one in outcomes)
        return JSONResponse({"taken": taken, "results": results}, 202 if taken == len(results) else 207)


def _exposures(desk: Desk) -> Exposures:
    config, backend = desk.config, desk.backend
    return Exposures(
        desk.lookup,
        desk.sending,
        backend.state,
        config.feedback.silence,
        salt=backend.salt,
        collection=config.collection,
        timeout_s=config.feedback.timeout_s,
    )


def _taken(exposures: Exposures, caller: Caller, parsed: Sequence[Told | InvalidRequest]) -> list[Taken]:
    """In their order. Raises Unavailable where nothing was kept because log or state store are down."""
    sound = exposures.take_all(caller, [one for one in parsed if isinstance(one, Told)])
    rest = iter(sound)
    outcomes = [next(rest) if isinstance(one, Told) else one for one in parsed]
    down = [one for one in sound if isinstance(one, Unavailable)]
    if down and not any(isinstance(one, Shown) for one in sound):
        raise down[0]
    return outcomes


def _result(one: Taken) -> dict[str, Any]:
    return {"status": 202, **_ids(one)} if isinstance(one, Shown) else told(one)


def _ids(shown: Shown) -> dict[str, Any]:
    return {
        "exposure_id": shown.exposure_id,
        "prediction_id": shown.prediction_id,
        "frame_id": shown.frame_id,
        "held": shown.held,
    }
