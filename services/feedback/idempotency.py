"""Idempotency keys: the same request again is the same verdict, exposure or frame.

Promises: a key is remembered for a day, and another request under it is refused; without a key the content is the key.
"""

from typing import Any

from pydantic import BaseModel, Field

from services.feedback.refusals import InvalidRequest
from shared.streams.stream import DAY_S

KEY = "idempotency_key"
MOST_KEY_CHARS = 255
KEY_LIFE_S = DAY_S


class WithKey(BaseModel):
    """One of a bulk, documented with a key of its own."""

    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_KEY_CHARS,
        description="as the header `Idempotency-Key`; left out: the content is the key",
    )


def identity(key: str | None, content: str) -> str:
    """What an id is made of, beside the caller. Never the key alone: forgotten after a day it may come back with something
    else, which would have the first one's id and count for nothing (decision 0023).
    """
    return content if key is None else f"{key}\0{content}"


def key_taken_from(one: dict[str, Any]) -> str | None:
    """Of one of a bulk, which has none any more. Raises InvalidRequest."""
    key = one.pop(KEY, None)
    if key is None or (isinstance(key, str) and 1 <= len(key) <= MOST_KEY_CHARS):
        return key
    raise InvalidRequest(f"{KEY}: expected 1 to {MOST_KEY_CHARS} characters", KEY)


def placed(error: InvalidRequest, where: str) -> InvalidRequest:
    """What is wrong with one of a bulk, told of the bulk."""
    return InvalidRequest(f"{where}: {error}", where if error.where == "body" else f"{where}.{error.where}")
