"""Feedback over HTTP: routes, and the one table that gives each error its status.

Promises: 202 only for a verdict that the log has; every other answer is {"error": {code, message, where}}; nothing is
loaded from another host, not even by the documentation page.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.feedback import docs_page, refusals
from services.feedback.body import read_body
from services.feedback.config import FeedbackConfig
from services.feedback.keys import Keys
from services.feedback.refusals import Refusal
from services.feedback.request import EXAMPLES, VerdictRequest, parse
from services.feedback.service import Feedback
from shared.errors import Unavailable
from shared.telemetry import logs, metrics

RETRY_AFTER_S = 5
ABOUT = """What people say about predictions comes in here. Gleaner keeps each verdict in its log and makes the frame a
sample for the next training, or revises the sample that it is already."""

STATUS: dict[type[Exception], tuple[int, str]] = {
    refusals.NotAuthenticated: (401, "not_authenticated"),
    refusals.UnknownPrediction: (404, "unknown_prediction"),
    refusals.TooSlow: (408, "body_too_slow"),
    refusals.KeyReused: (409, "idempotency_key_reused"),
    refusals.PredictionGone: (410, "prediction_gone"),
    refusals.TooLarge: (413, "body_too_large"),
    refusals.WrongMediaType: (415, "not_json"),
    refusals.InvalidRequest: (422, "invalid_request"),
    Unavailable: (503, "unavailable"),
}
MEANING = {
    401: "No API key, or one that is not in the settings.",
    404: "Nothing was ever written where the prediction id points.",
    408: "The body did not arrive in time.",
    409: "The same Idempotency-Key came with another body within the last 24 hours.",
    410: "The prediction is gone, or the image is and was not chosen as a sample.",
    413: "The body is larger than feedback.max_body_bytes.",
    415: "The body is not declared as application/json.",
    422: "The request cannot work; `where` names the field.",
    503: "Log or state store do not answer; nothing was kept. Send the same again after Retry-After seconds.",
}


class Accepted(BaseModel):
    """The log has the verdict."""

    verdict_id: str = Field(description="the same for a retry")
    prediction_id: str
    frame_id: str


class Problem(BaseModel):
    """What went wrong."""

    code: str = Field(description="for programs; does not change")
    message: str = Field(description="for people: what was expected, what came, where to look")
    where: str = Field(description="the field, header or dependency that is meant")


class ErrorBody(BaseModel):
    """The body of every answer that is no success."""

    error: Problem


def create_app(feedback: Feedback, config: FeedbackConfig) -> FastAPI:
    """The application; whoever makes it closes `feedback`."""
    app = FastAPI(title="Gleaner feedback", version="1", description=ABOUT, docs_url=None, redoc_url=None)
    _add_verdicts(app, feedback, config)
    _add_health(app, feedback)
    _add_docs(app)
    for error_type in STATUS:
        app.add_exception_handler(error_type, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid_header)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected)
    return app


def _add_verdicts(app: FastAPI, feedback: Feedback, config: FeedbackConfig) -> None:
    caller = _caller(Keys(config.feedback.api_keys))
    body = _body(config.feedback.max_body_bytes, config.feedback.timeout_s)

    @app.post(
        "/v1/verdicts",
        status_code=202,
        summary="Judge a prediction",
        responses={status: {"model": ErrorBody, "description": text} for status, text in MEANING.items()},
        openapi_extra={"requestBody": _REQUEST_BODY},
    )
    def post_verdict(
        caller: Annotated[str, Depends(caller)],
        body: Annotated[bytes, Depends(body)],
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    ) -> Accepted:
        """Confirms a prediction, rejects it with a reason, says that it missed something, or what is right instead.

        The answer 202 comes when the verdict is durable, not before. It is safe to send a request again: the same
        `Idempotency-Key` makes the same verdict (another body under it is refused with 409, for 24 hours). Without the
        header the content of the body is the key, so the same body again is the same verdict too.
        """
        verdict = feedback.judge(caller, parse(body), idempotency_key)
        logs.get().info("verdict.taken", verdict_id=verdict.verdict_id, kind=verdict.kind, caller=caller)
        return Accepted(
            verdict_id=verdict.verdict_id,
            prediction_id=verdict.prediction_id,
            frame_id=verdict.prediction.frame.frame_id,
        )


def _add_health(app: FastAPI, feedback: Feedback) -> None:
    @app.get("/livez", summary="Does the process run?")
    async def livez() -> dict[str, bool]:
        """Asks no other system: an outage of the log must not restart this service."""
        return {"alive": True}

    @app.get("/readyz", summary="Do log and state store answer?", responses={503: {"model": ErrorBody}})
    def readyz() -> dict[str, bool]:
        """Bounded in time; 503 says which of them is waited for."""
        feedback.ready()
        return {"ready": True}

    @app.get("/metrics", summary="Metrics, as Prometheus reads them", response_class=PlainTextResponse)
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _add_docs(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse(docs_page.render(app.openapi()), headers=docs_page.HEADERS)


def _caller(keys: Keys) -> Callable[..., Awaitable[str]]:
    bearer = HTTPBearer(auto_error=False, description="an API key of the settings")
    header = APIKeyHeader(name="X-API-Key", auto_error=False, description="the same key, in a header of its own")

    async def caller(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        key: Annotated[str | None, Depends(header)],
    ) -> str:
        given = credentials.credentials if credentials else key
        return keys.caller(None if given is None else given.encode("latin-1"))

    return caller


def _body(max_bytes: int, timeout_s: float) -> Callable[[Request], Awaitable[bytes]]:
    async def body(request: Request) -> bytes:
        return await read_body(request, max_bytes, timeout_s)

    return body


def _on_known(_: Request, error: Exception) -> Response:
    status, code = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    metrics.REFUSALS.labels(code).inc()
    logs.get().info("verdict.refused", code=code)
    if isinstance(error, Unavailable):
        text = f"the {error.dependency} does not answer now, nothing was kept; send the same again in {RETRY_AFTER_S} s"
        return _answer(status, code, text, error.dependency, {"Retry-After": str(RETRY_AFTER_S)})
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return _answer(status, code, str(error), error.where if isinstance(error, Refusal) else "", headers)


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


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Without references: inside of an OpenAPI document they would point to nothing."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(inner, definitions) for name, inner in schema.items() if name != "$defs"}


_SCHEMA = VerdictRequest.model_json_schema()
_REQUEST_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": _inlined(_SCHEMA, _SCHEMA["$defs"]),
            "examples": {name: {"value": value} for name, value in EXAMPLES.items()},
        }
    },
}
