"""The body of a request, read with a limit on its size and on its time, before anything looks into it."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import Request

from services.feedback.refusals import TooLarge, TooSlow, WrongMediaType


def json_body(
    max_bytes: int, timeout_s: float, setting: str = "feedback.max_body_bytes"
) -> Callable[[Request], Awaitable[bytes]]:
    """A dependency: the bytes of a request that is declared to be JSON."""

    async def body(request: Request) -> bytes:
        return await read_body(request, max_bytes, timeout_s, setting)

    return body


async def read_body(
    request: Request, max_bytes: int, timeout_s: float, setting: str = "feedback.max_body_bytes"
) -> bytes:
    """The bytes. Raises WrongMediaType, TooLarge, TooSlow; reads no more than the limit and one chunk."""
    declared = request.headers.get("content-type", "")
    if declared.split(";")[0].strip().lower() != "application/json":
        # Browsers ask before they send JSON to another site, so a page elsewhere cannot post verdicts unseen.
        raise WrongMediaType(f"expected `Content-Type: application/json`, got {declared[:80]!r}", "Content-Type")
    try:
        async with asyncio.timeout(timeout_s):
            return await _read(request, max_bytes, setting)
    except TimeoutError as error:
        raise TooSlow(f"expected the whole body within {timeout_s:g} s", "body") from error


async def _read(request: Request, max_bytes: int, setting: str) -> bytes:
    length = request.headers.get("content-length", "")
    received = bytearray()
    if not (length.isascii() and length.isdigit() and int(length[:12]) > max_bytes):
        async for chunk in request.stream():
            received += chunk
            if len(received) > max_bytes:
                break
        else:
            return bytes(received)
    raise TooLarge(f"expected at most {max_bytes:,} bytes, got more; see {setting}", "body")
