"""POST /v1/frames: an application's own image, with what its own model saw there if it has one.

Promises: 202 only when the log has the frame and, where predictions came along, the prediction too. Bodies are bounded in
size, in time and in number while they are read.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from pydantic import BaseModel, Field

from services.feedback.access.caller import Caller
from services.feedback.api.access import calling
from services.feedback.api.idempotency import IdempotencyKey
from services.feedback.api.multipart import parts
from services.feedback.api.problems import responses
from services.feedback.api.schema import request_body
from services.feedback.desk import Desk
from services.feedback.frames.publishing import Published, Publishing
from services.feedback.frames.request import EXAMPLES, FrameRequest, Index, Name, Timestamp, from_query, parse
from services.feedback.refusals import InvalidRequest, TooLarge, TooMany, TooSlow, WrongMediaType
from shared.imaging import JPEG, PNG, WEBP
from shared.settings import Config
from shared.streams.stream import rfc3339
from shared.telemetry import logs

MULTIPART = "multipart/form-data"
IMAGES = (JPEG, PNG, WEBP)
MAX_ABOUT_BYTES = 2_097_152
ENVELOPE_BYTES = 16_384
"""Of a multipart body: boundaries and part headers."""
AT_ONCE = 64
"""Bodies in memory at one time; more have to come again."""


class About(Config):
    """What a raw image's address says about it."""

    source_id: Name | None = Field(default=None, description="where the image is from; required of a raw image")
    captured_at: Timestamp | None = Field(default=None, description="when it was taken, RFC 3339 with a time zone")
    frame_index: Index | None = Field(default=None, description="a number that counts up")
    producer_frame_id: Name | None = Field(
        default=None, description="your own name of the image: sent again under it, it is the same frame"
    )


class Taken(BaseModel):
    """The log has the frame."""

    frame_id: str
    prediction_id: str | None = Field(description="what a verdict names; null where no predictions came along")
    partition: int = Field(description="of the frame's record in `frames`")
    offset: int
    time: str = Field(description="the frame's log time, RFC 3339")


@dataclass(frozen=True, slots=True)
class Body:
    content_type: str
    data: bytes


def add(app: FastAPI, desk: Desk) -> None:
    caller = calling(desk, "judge")
    publishing = Publishing(desk.sending, desk.backend.state)
    most_bytes = desk.config.feedback.max_frame_bytes
    body = _body(most_bytes, desk.config.feedback.timeout_s)

    @app.post(
        "/v1/frames",
        status_code=202,
        summary="Publish a frame",
        responses=_responses(),
        openapi_extra={"requestBody": _request_body()},
    )
    def post_frame(
        caller: Annotated[Caller, Depends(caller)],
        body: Annotated[Body, Depends(body)],
        about: Annotated[About, Query()],
        idempotency_key: IdempotencyKey = None,
    ) -> Taken:
        """Takes a JPEG, PNG or WebP as the body, with what is said about it in the address; or `multipart/form-data` with
        a part `image` and a part `about` (JSON), which may hold what your own model saw: inference then leaves it alone.

        The answer 202 comes when the log has both, the frame and the prediction. With an `Idempotency-Key` it is safe to
        send a request again: for 24 hours the same key gives the same answer, and finishes what was left half done.
        """
        request, image = _read(body, about, most_bytes)
        published = publishing.publish(caller, request, image, idempotency_key)
        logs.get().debug("frame.taken", frame_id=published.ref.frame_id, caller=caller.name)
        return _taken(published)


def _read(body: Body, about: About, most_bytes: int) -> tuple[FrameRequest, bytes]:
    """What is said about the image, and the image. Raises InvalidRequest, TooLarge."""
    if _kind(body.content_type) != MULTIPART:
        return from_query(about), body.data
    if about.model_fields_set:
        name = min(about.model_fields_set)
        raise InvalidRequest(f"{name}: expected it in the part `about`, got it in the address", name)
    found = parts(body.data, body.content_type, {"image": most_bytes, "about": MAX_ABOUT_BYTES})
    for name in ("image", "about"):
        if name not in found:
            raise InvalidRequest(f"{name}: expected a part of this name, got {' and '.join(found) or 'none'}", name)
    return parse(found["about"]), found["image"]


def _taken(published: Published) -> Taken:
    ref = published.ref
    return Taken(
        frame_id=ref.frame_id,
        prediction_id=published.prediction_id,
        partition=ref.partition,
        offset=ref.offset,
        time=rfc3339(ref.time_ms),
    )


def _body(max_frame_bytes: int, timeout_s: float) -> Callable[[Request], AsyncGenerator[Body, None]]:
    """A dependency: the body, which counts among those AT_ONCE until the request is answered."""
    reading = 0

    async def body(request: Request) -> AsyncGenerator[Body, None]:
        nonlocal reading
        content_type = request.headers.get("content-type", "")
        most_bytes = _most_bytes(content_type, max_frame_bytes)
        if reading >= AT_ONCE:
            raise TooMany(f"{AT_ONCE} frames are being taken at this moment; send it again", "body", retry_after_s=1)
        reading += 1
        try:
            yield Body(content_type, await _in_time(request, most_bytes, timeout_s))
        finally:
            reading -= 1

    return body


def _most_bytes(content_type: str, max_frame_bytes: int) -> int:
    """Raises WrongMediaType."""
    kind = _kind(content_type)
    if kind in IMAGES:
        return max_frame_bytes
    if kind == MULTIPART:
        return max_frame_bytes + MAX_ABOUT_BYTES + ENVELOPE_BYTES
    raise WrongMediaType(
        f"expected `Content-Type: {', '.join(IMAGES)}` or {MULTIPART}, got {content_type[:80]!r}", "Content-Type"
    )


def _kind(content_type: str) -> str:
    return content_type.split(";")[0].strip().lower()


async def _in_time(request: Request, most_bytes: int, timeout_s: float) -> bytes:
    """Reads no more than the limit and one chunk. Raises TooLarge, TooSlow."""
    length = request.headers.get("content-length", "")
    received = bytearray()
    if length.isascii() and length.isdigit() and int(length[:12]) > most_bytes:
        raise _too_large(most_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                received += chunk
                if len(received) > most_bytes:
                    raise _too_large(most_bytes)
    except TimeoutError as error:
        raise TooSlow(f"expected the whole body within {timeout_s:g} s", "body") from error
    return bytes(received)


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(f"expected at most {most_bytes:,} bytes, got more; see feedback.max_frame_bytes", "body")


def _request_body() -> dict[str, Any]:
    about = request_body(FrameRequest, EXAMPLES)["content"]["application/json"]["schema"]
    image = {"type": "string", "format": "binary"}
    form = {"type": "object", "required": ["image", "about"], "properties": {"image": image, "about": about}}
    encoding = {"image": {"contentType": ", ".join(IMAGES)}, "about": {"contentType": "application/json"}}
    examples = {name: {"value": {"image": "(the bytes)", "about": about}} for name, about in EXAMPLES.items()}
    content: dict[str, Any] = {kind: {"schema": image} for kind in IMAGES}
    content[MULTIPART] = {"schema": form, "encoding": encoding, "examples": examples}
    return {"required": True, "content": content}


def _responses() -> dict[int | str, dict[str, Any]]:
    known = responses(401, 403, 408, 409, 413, 415, 422, 429, 503)
    known[403]["description"] = "The key is for another scope, or not for this source."
    known[413]["description"] = "The image is larger than feedback.max_frame_bytes."
    known[415]["description"] = f"The body is neither {', '.join(IMAGES)} nor {MULTIPART}."
    known[503]["description"] = (
        "Log or state store do not answer. Send the same again after Retry-After seconds, under the same Idempotency-Key: "
        "the frame may be there already."
    )
    return known
