"""POST /v1/links: a signed link, so that somebody without a key may judge one prediction for a while.

Promises: a link never allows more than the key that made it, and never outlives it.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.feedback.access.caller import Caller, May
from services.feedback.access.links import Grant
from services.feedback.api.access import calling, door_of
from services.feedback.api.body import json_body
from services.feedback.api.problems import responses
from services.feedback.api.schema import request_body
from services.feedback.desk import Desk
from services.feedback.verdicts.request import PredictionIdField, invalid, refuse_repeated_fields
from shared.settings import Config
from shared.streams.stream import DAY_S
from shared.telemetry import logs

MOST_DAYS = 30
_PREDICTION_ID = "0-4711-1f0a9c3e"
EXAMPLES: dict[str, dict[str, Any]] = {
    "a button for a day": {"prediction_id": _PREDICTION_ID, "expires_in_s": DAY_S, "may": ["judge", "expose", "image"]},
    "in a reviewer's name": {
        "prediction_id": _PREDICTION_ID,
        "expires_in_s": 3_600,
        "reviewer": "ana",
        "may": ["judge"],
    },
}


class LinkRequest(Config):
    """What the link is for."""

    model_config = ConfigDict(strict=True)

    prediction_id: PredictionIdField
    expires_in_s: int = Field(ge=1, le=MOST_DAYS * DAY_S, description="how long it is good, at most 30 days")
    reviewer: str | None = Field(
        default=None, max_length=200, description="in whose name it judges; left out: as each verdict says"
    )
    may: tuple[May, ...] = Field(
        default=("judge",),
        min_length=1,
        max_length=3,
        description="judge: verdicts; expose: tell that it was shown; image: its image, for keys with the scope read",
    )


class Link(BaseModel):
    """Whoever has it may do what it says, until it ends."""

    token: str = Field(description="send it as `Authorization: Bearer TOKEN`")
    url: str | None = Field(description="the image's address, where the link is good for it; relative to this service")
    expires_at: str = Field(description="RFC 3339")


def add(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "judge")
    body = json_body(desk.config.feedback.max_body_bytes, desk.config.feedback.timeout_s)

    @app.post(
        "/v1/links",
        status_code=201,
        summary="Make a link for one prediction",
        responses=responses(401, 403, 404, 408, 410, 413, 415, 422, 429, 500, 503),
        openapi_extra={"requestBody": request_body(LinkRequest, EXAMPLES)},
    )
    async def post_link(
        request: Request,
        caller: Annotated[Caller, Depends(caller)],
        body: Annotated[bytes, Depends(body)],
    ) -> Link:
        """A token with which a page judges one prediction, without a key of its own.

        Its verdicts stand under the name of the key that made it. It ends at its time, and with that key. It is signed, not
        secret: whoever has it can read the prediction's id and the reviewer in it.
        """
        wanted = _parsed(body)
        if "image" in wanted.may:
            caller.check_scope("read")
        await run_in_threadpool(desk.lookup.prediction_for, caller, wanted.prediction_id)
        grant = _grant(caller, wanted, desk.backend.clock.now_ms())
        logs.get().info("link.made", caller=caller.name, prediction_id=wanted.prediction_id, may=wanted.may)
        return _link(grant, door_of(request.app, desk).links.token(grant))


def _parsed(body: bytes) -> LinkRequest:
    try:
        wanted = LinkRequest.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error
    refuse_repeated_fields(body)
    return wanted


def _grant(caller: Caller, wanted: LinkRequest, now_ms: int) -> Grant:
    return Grant(
        prediction_id=wanted.prediction_id,
        by=caller.name,
        expires_ms=now_ms + wanted.expires_in_s * 1000,
        may=tuple(dict.fromkeys(wanted.may)),
        reviewer=wanted.reviewer,
    )


def _link(grant: Grant, token: str) -> Link:
    image = f"/v1/predictions/{quote(grant.prediction_id)}/image?token={token}" if "image" in grant.may else None
    expires_at = datetime.fromtimestamp(grant.expires_ms / 1000, UTC).isoformat(timespec="seconds")
    return Link(token=token, url=image, expires_at=expires_at)
