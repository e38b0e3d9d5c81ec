"""POST /v1/verdicts: a person's judgement of a prediction; POST /v1/verdicts/bulk: many of them.

Promises: 202 only for a verdict that the log has; the same request again is the same verdict. In bulk each verdict is taken
or refused alone.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from services.feedback.access.caller import Caller
from services.feedback.api.access import CREDENTIALS, caller_of, calling
from services.feedback.api.body import json_body, read_body
from services.feedback.api.direct import DirectRoute
from services.feedback.api.idempotency import IDEMPOTENCY_PARAMETER, idempotency_key
from services.feedback.api.problems import MEANING, Problem, responses, told
from services.feedback.api.schema import request_body
from services.feedback.desk import Desk
from services.feedback.verdicts.bulk import EXAMPLES as BULK_EXAMPLES
from services.feedback.verdicts.bulk import BulkRequest, Judgement, parse_bulk
from services.feedback.verdicts.case import Answer, Asked
from services.feedback.verdicts.request import EXAMPLES, VerdictRequest, parse
from shared.errors import GleanerError, Unavailable
from shared.streams.verdicts import Verdict
from shared.telemetry import logs

TOGETHER = 100
"""Of a bulk, judged at once: a verdict holds its prediction, which may have two megabytes in memory."""

Told = dict[str, str] | GleanerError
"""The ids of a verdict that the log has, or why there is none."""


class Accepted(BaseModel):
    """The log has the verdict."""

    verdict_id: str = Field(description="the same for a retry")
    prediction_id: str
    frame_id: str


class Result(BaseModel):
    """What became of one verdict of a bulk: the ids of one that was taken, or its error."""

    status: int = Field(description="202: the log has it; else what it would have been answered alone")
    verdict_id: str | None = Field(default=None, description="the same for a retry")
    prediction_id: str | None = None
    frame_id: str | None = None
    error: Problem | None = None


class BulkAnswer(BaseModel):
    """One result for each verdict, in order."""

    taken: int = Field(description="how many the log has")
    results: list[Result]


def add(app: FastAPI, desk: Desk) -> None:
    _add_one(app, desk)
    _add_bulk(app, desk)


def _add_one(app: FastAPI, desk: Desk) -> None:
    options = desk.config.feedback

    async def post_verdict(request: Request) -> Response:
        """Confirms a prediction, rejects it with a reason, says that it missed something, or what is right instead.

        The answer 202 comes when the verdict is durable, not before. It is safe to send a request again: the same
        `Idempotency-Key` makes the same verdict (another body under it is refused with 409, for 24 hours). Without the
        header the content of the body is the key, so the same body again is the same verdict too.

        What is said later stands above what was said before, and nothing that was said is lost.
        """
        caller = caller_of(request, desk, "judge", link="judge")
        key = idempotency_key(request)
        body = await read_body(request, options.max_body_bytes, options.timeout_s)
        verdict = await _judged_alone(desk, Asked(caller, parse(body).by(caller.reviewer), key))
        return JSONResponse(_ids(verdict), 202)

    app.router.add_api_route(
        "/v1/verdicts",
        post_verdict,
        methods=["POST"],
        status_code=202,
        summary="Judge a prediction",
        response_model=Accepted,
        responses=responses(*MEANING),
        openapi_extra={
            "parameters": [IDEMPOTENCY_PARAMETER],
            "requestBody": request_body(VerdictRequest, EXAMPLES),
            "security": CREDENTIALS,
        },
        route_class_override=DirectRoute,
    )


async def _judged_alone(desk: Desk, asked: Asked) -> Verdict:
    (outcome,) = await desk.feedback.judge_all([asked])
    if not isinstance(outcome, Verdict):
        raise outcome
    logs.get().info(
        "verdict.taken",
        verdict_id=outcome.verdict_id,
        kind=outcome.kind,
        caller=asked.caller.name,
        link=asked.caller.is_link,
    )
    return outcome


def _add_bulk(app: FastAPI, desk: Desk) -> None:
    options = desk.config.feedback
    caller = calling(desk, "judge")
    body = json_body(options.max_bulk_bytes, options.timeout_s, "feedback.max_bulk_bytes")

    @app.post(
        "/v1/verdicts/bulk",
        status_code=202,
        summary="Judge many predictions",
        response_model=BulkAnswer,
        responses={
            207: {"model": BulkAnswer, "description": "Not all of them were taken; each result says which."},
            **responses(401, 403, 408, 413, 415, 422, 429, 500, 503),
        },
        openapi_extra={"requestBody": request_body(BulkRequest, BULK_EXAMPLES)},
    )
    async def post_verdicts(
        caller: Annotated[Caller, Depends(caller)], body: Annotated[bytes, Depends(body)]
    ) -> Response:
        """Up to 1,000 verdicts, each as `POST /v1/verdicts` takes it, with an `idempotency_key` of its own if wanted.

        202: the log has all of them. 207: it has those whose result says 202; the others say what is wrong. 503: it has
        none, and the same can be sent again. Sending all of them again is always safe.
        """
        judgements = await run_in_threadpool(parse_bulk, body)  # megabytes of JSON take half a second
        outcomes = await _judged(desk, caller, judgements)
        _raise_if_nothing_could_be_kept(outcomes)
        results = [_result(outcome) for outcome in outcomes]
        taken = sum(isinstance(outcome, dict) for outcome in outcomes)
        logs.get().info("verdicts.taken", taken=taken, refused=len(results) - taken, caller=caller.name)
        return JSONResponse({"taken": taken, "results": results}, 202 if taken == len(results) else 207)


async def _judged(desk: Desk, caller: Caller, judgements: Sequence[Judgement]) -> list[Told]:
    """Those that make sense are judged together; in order again afterwards."""
    sound = [Asked(caller, one.request, one.key) for one in judgements if not isinstance(one, GleanerError)]
    outcomes: list[Told] = []
    while len(outcomes) < len(sound):
        some = [_told(one) for one in await desk.feedback.judge_all(sound[len(outcomes) : len(outcomes) + TOGETHER])]
        outcomes += some
        if all(isinstance(one, Unavailable) for one in some):  # the rest would wait as long for the same answer
            outcomes += [some[0]] * (len(sound) - len(outcomes))
    in_order = iter(outcomes)
    return [one if isinstance(one, GleanerError) else next(in_order) for one in judgements]


def _raise_if_nothing_could_be_kept(outcomes: Sequence[Told]) -> None:
    """An outage is told as one: whoever sends the same again later loses nothing."""
    waiting = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
    if waiting and not any(isinstance(outcome, dict) for outcome in outcomes):
        raise waiting[0]


def _told(answer: Answer) -> Told:
    return _ids(answer) if isinstance(answer, Verdict) else answer


def _result(outcome: Told) -> dict[str, Any]:
    return {"status": 202, **outcome} if isinstance(outcome, dict) else told(outcome)


def _ids(verdict: Verdict) -> dict[str, str]:
    return {
        "verdict_id": verdict.verdict_id,
        "prediction_id": verdict.prediction_id,
        "frame_id": verdict.prediction.frame.frame_id,
    }
