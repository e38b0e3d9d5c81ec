"""POST /v1/verdicts: a person's judgement of a prediction.

Promises: 202 only for a verdict that the log has; the same request again is the same verdict.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Header
from pydantic import BaseModel, Field

from services.feedback.access.caller import Caller
from services.feedback.api.access import calling
from services.feedback.api.body import json_body
from services.feedback.api.problems import MEANING, responses
from services.feedback.api.schema import request_body
from services.feedback.desk import Desk
from services.feedback.request import EXAMPLES, VerdictRequest, parse
from shared.telemetry import logs


class Accepted(BaseModel):
    """The log has the verdict."""

    verdict_id: str = Field(description="the same for a retry")
    prediction_id: str
    frame_id: str


def add(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "judge")
    body = json_body(desk.config.feedback.max_body_bytes, desk.config.feedback.timeout_s)

    @app.post(
        "/v1/verdicts",
        status_code=202,
        summary="Judge a prediction",
        responses=responses(*MEANING),
        openapi_extra={"requestBody": request_body(VerdictRequest, EXAMPLES)},
    )
    def post_verdict(
        caller: Annotated[Caller, Depends(caller)],
        body: Annotated[bytes, Depends(body)],
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    ) -> Accepted:
        """Confirms a prediction, rejects it with a reason, says that it missed something, or what is right instead.

        The answer 202 comes when the verdict is durable, not before. It is safe to send a request again: the same
        `Idempotency-Key` makes the same verdict (another body under it is refused with 409, for 24 hours). Without the
        header the content of the body is the key, so the same body again is the same verdict too.
        """
        verdict = desk.feedback.judge(caller, parse(body), idempotency_key)
        logs.get().info("verdict.taken", verdict_id=verdict.verdict_id, kind=verdict.kind, caller=caller.name)
        return Accepted(
            verdict_id=verdict.verdict_id,
            prediction_id=verdict.prediction_id,
            frame_id=verdict.prediction.frame.frame_id,
        )
