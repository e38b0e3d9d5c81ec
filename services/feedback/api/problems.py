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
from starlette.routing import Match

from services.feedback import refusals
from services.feedback.refusals import Refusal
from shared.errors import Unavailable
from shared.telemetry import logs, metrics

RETRY_AFTER_S = 5

STATUS: dict[type[Exception], tuple[int, str]] = {
    refusals.LinkExpired: (401, "link_expired"),
    refusals.NotAuthenticated: (401, "not_authenticated"),
    refusals.NotAllowed: (403, "not_allowed"),
    refusals.NotFound: (404, "not_found"),
    refusals.UnknownPrediction: (404, "unknown_prediction"),
    refusals.TooSlow: (408, "body_too_slow"),
    refusals.KeyReused: (409, "idempotency_key_reused"),
    refusals.PredictionGone: (410, "prediction_gone"),
    refusals.TooLarge: (413, "body_too_large"),
    refusals.WrongMediaType: (415, "wrong_media_type"),
    refusals.InvalidRequest: (422, "invalid_request"),
    refusals.TooMany: (429, "too_many_requests"),
    Unavailable: (503, "unavailable"),
}
MEANING = {
    401: "No API key, or one that is not in the settings; or a link that nobody here has signed, or whose time is over.",
    403: "The key is for something else: another scope, other sources, another prediction.",
    404: "Nothing was ever written where the prediction id points; or nothing of the sources that the key is for.",
    408: "The body did not arrive in time.",
    409: "The same Idempotency-Key came with another body within the last 24 hours.",
    410: "The prediction is gone, or the image is and was not chosen as a sample.",
    413: "The body is larger than the settings allow.",
    415: "The body is not declared as application/json.",
    422: "The request cannot work; `where` names the field.",
    429: "Asked faster than the settings allow; again after Retry-After seconds.",
    500: "An error of the service, whose log says more.",
    503: "Log or state store do not answer, or too many requests are in work. Send the same again after Retry-After "
    "seconds: it may not be kept, and if it was, the same again changes nothing.",
}
_PREDICTION = "prediction_id"
EXAMPLES: dict[int, dict[str, tuple[str, str]]] = {
    401: {
        "not_authenticated": ("expected an API key as `Authorization: Bearer KEY`, got none", "Authorization"),
        "link_expired": ("this link was good until a while ago; ask where you have it from for a new one", "token"),
    },
    403: {"not_allowed": ("expected a key with the scope judge", "Authorization")},
    404: {"unknown_prediction": ("no prediction was ever written there; look at where the id comes from", _PREDICTION)},
    408: {"body_too_slow": ("expected the whole body within 10 s", "body")},
    409: {"idempotency_key_reused": ("this key came with another body before", "Idempotency-Key")},
    410: {
        "prediction_gone": ("the prediction is gone: it is older than what `predictions` keeps", _PREDICTION),
    },
    413: {"body_too_large": ("expected at most 65,536 bytes, got more; see feedback.max_body_bytes", "body")},
    415: {"wrong_media_type": ("expected `Content-Type: application/json`, got 'text/plain'", "Content-Type")},
    422: {
        "invalid_request": ("detection_index: expected less than 2, the number of detections, got 7", "detection_index")
    },
    429: {"too_many_requests": ("expected at most 200 requests a second, got more", "Authorization")},
    500: {"internal": ("an error of the service; its log says more", "service")},
    503: {
        "unavailable": ("the log does not answer now, it may not be kept; send the same again in 5 s", "log"),
        "busy": ("256 requests are in work already; send the same again in 1 s", "feedback.max_in_flight"),
    },
}
"""By status and code: message and `where`."""


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
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    examples = {code: {"value": body_of(code, *said)} for code, said in EXAMPLES[status].items()}
    content = {"application/json": {"examples": examples}}
    return {"model": ErrorBody, "description": MEANING[status], "content": content}


def add(app: FastAPI) -> None:
    """Every error an answer."""
    for error_type in STATUS:
        app.add_exception_handler(error_type, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid_header)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected)


def status_of(error: Exception) -> tuple[int, str]:
    """Status and code of an error that stands in the table, or whose kind does."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def told(error: Exception) -> dict[str, Any]:
    """The same error as part of an answer that speaks of several: what would be its body."""
    status, code = status_of(error)
    metrics.REFUSALS.labels(code).inc()
    return {"status": status, **body_of(code, *_said(error))}


def body_of(code: str, message: str, where: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "where": where}}


def _on_known(_: Request, error: Exception) -> Response:
    status, code = status_of(error)
    metrics.REFUSALS.labels(code).inc()
    logs.get().info("request.refused", code=code)
    return answer(status, code, *_said(error), _headers(error))


def _said(error: Exception) -> tuple[str, str]:
    """Message and `where`."""
    if isinstance(error, Unavailable):
        again = f"it may not be kept; send the same again in {RETRY_AFTER_S} s"
        return f"the {error.dependency} does not answer now, {again}", error.dependency
    return str(error), error.where if isinstance(error, Refusal) else ""


def _headers(error: Exception) -> dict[str, str] | None:
    if isinstance(error, Unavailable):
        return {"Retry-After": str(RETRY_AFTER_S)}
    if isinstance(error, refusals.TooMany):
        return {"Retry-After": str(math.ceil(error.retry_after_s))}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, refusals.NotAuthenticated) else None


def _on_invalid_header(_: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": ("request",), "msg": "is wrong"}
    names = [part for part in first["loc"] if isinstance(part, str) and part.replace("-", "_").isidentifier()]
    where = names[-1] if names else "request"  # of a list the last part is a number
    return answer(422, "invalid_request", f"{where}: {first['msg']}", where)


def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = f"{request.method} is not answered here; /docs lists what is"
    headers = {"Allow": _answered(request)} if status == 405 else getattr(error, "headers", None)
    return answer(status, "no_such_route", text, "path", headers)


def _answered(request: Request) -> str:
    """Every method of this path: each is a route of its own, and the error tells those of the first alone."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in routes for method in getattr(route, "methods", None) or ()}))


def _on_disconnect(_: Request, __: Exception) -> Response:
    return answer(400, "disconnected", "the connection ended before the body did", "body")


def _on_unexpected(_: Request, error: Exception) -> Response:
    logs.get().error("request.failed", error=type(error).__name__)
    return answer(500, "internal", "an error of the service; its log says more", "service")


def answer(status: int, code: str, message: str, where: str, headers: Any = None) -> Response:
    """An error's answer, also for whoever stands in front of all routes."""
    return JSONResponse(body_of(code, message, where), status, headers)
