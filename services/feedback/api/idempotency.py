"""The header `Idempotency-Key`, as routes with dependencies and direct ones take it."""

from typing import Annotated, Any

from fastapi import Header, Request

from services.feedback.idempotency import MOST_KEY_CHARS
from services.feedback.refusals import InvalidRequest

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=MOST_KEY_CHARS)]
IDEMPOTENCY_KEY = "Idempotency-Key"
IDEMPOTENCY_PARAMETER: dict[str, Any] = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": MOST_KEY_CHARS},
}


def idempotency_key(request: Request) -> str | None:
    """Of the header. Raises InvalidRequest for one that other routes would refuse."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is not None and not 1 <= len(key) <= MOST_KEY_CHARS:
        raise InvalidRequest(
            f"{IDEMPOTENCY_KEY}: expected 1 to {MOST_KEY_CHARS} characters, got {len(key):,}", IDEMPOTENCY_KEY
        )
    return key
