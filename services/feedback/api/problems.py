"""What went wrong, as an answer: the one table that gives each error its status.

Promises: every answer that is no success is {"error": {code, message, where}}, whoever raised what.
"""

import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.feedback import refusals
from services.feedback.refusals import Refusal
from shared.errors import Unavailable
from shared.telemetry import logs, metrics

RETRY_AFTER_S = 5

STATUS: dict[type[Exception], tuple[int, str]] = {
    refusals.NotAuthenticated: (401, "not_authenticated"),
    refusals.NotAllowed: (403, "not_allowed"),
    refusals.NotFound: (404, "not_found"),
    refusals.UnknownPrediction: (404, "unknown_prediction"),
    refusals.TooSlow: (408, "body_too_slow"),
    refusals.KeyReused: (409, "idempotency_key_reused"),
    refusals.PredictionGone: (410, "prediction_gone"),
    refusals.TooLarge: (413, "body_too_large"),
    refusals.WrongMediaType: (415, "not_json"),
    refusals.InvalidRequest: (422, "invalid_request"),
    refusals.TooMany: (429, "too_many_requests"),
    Unavailable: (503, "unavailable"),
}
MEANING = {
    401: "No API key, or one that is not in the settings.",
    403: "The key is for something else: another scope, other sources, another prediction.",
    404: "Nothing was ever written where the prediction id points.",
    408: "The body did not arrive in time.",
    409: "The same Idempotency-Key came with another body within the last 24 hours.",
    410: "The prediction is gone, or the image is and was not chosen as a sample.",
    413: "The body is larger than feedback.max_body_bytes.",
    415: "The body is not declared as application/json.",
    422: "The request cannot work; `where` names the field.",
    429: "Asked faster than the settings allow; again after Retry-After seconds.",
    503: "Log or state store do not answer; nothing was kept. Send the same again after Retry-After seconds.",
}


class Problem(BaseModel):
    """What went wrong."""

    code: str = Field(description="for programs; does not change")
    message: str = Field(description="for people: what was expected, what came, where to look")
    where: str = Field(description="the field, header or dependency that is meant")


class ErrorBody(BaseModel):
    """The body of every answer that is no success."""

    error: Problem


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's documentation: what these statuses mean."""
    return {status: {"model": ErrorBody, "description": MEANING[status]} for status in statuses}


def add(app: FastAPI) -> None:
    """Every error an answer."""
    for error_type in STATUS:
        app.add_exception_handler(error_type, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid_header)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected)


def _on_known(_: Request, error: Exception) -> Response:
    status, code = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    metrics.REFUSALS.labels(code).inc()
    logs.get().info("verdict.refused", code=code)
    if isinstance(error, Unavailable):
        text = f"the {error.dependency} does not answer now, nothing was kept; send the same again in {RETRY_AFTER_S} s"
        return _answer(status, code, text, error.dependency, {"Retry-After": str(RETRY_AFTER_S)})
    return _answer(status, code, str(error), error.where if isinstance(error, Refusal) else "", _headers(error))


def _headers(error: Exception) -> dict[str, str] | None:
    if isinstance(error, refusals.TooMany):
        return {"Retry-After": str(math.ceil(error.retry_after_s))}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, refusals.NotAuthenticated) else None


def _on_invalid_header(_: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": ("request",), "msg": "is wrong"}
    where = str(first["loc"][-1])
    return _answer(422, "invalid_request", f"{where}: {first['msg']}", where)


def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = f"{request.method} is not answered here; /docs lists what is"
    return _answer(status, "no_such_route", text, "path", getattr(error, "headers", None))


def _on_disconnect(_: Request, __: Exception) -> Response:
    return _answer(400, "disconnected", "the connection ended before the body did", "body")


def _on_unexpected(_: Request, error: Exception) -> Response:
    logs.get().error("request.failed", error=type(error).__name__)
    return _answer(500, "internal", "an error of the service; its log says more", "service")


def _answer(status: int, code: str, message: str, where: str, headers: Any = None) -> Response:
    body = ErrorBody(error=Problem(code=code, message=message, where=where))
    return JSONResponse(body.model_dump(), status, headers)
