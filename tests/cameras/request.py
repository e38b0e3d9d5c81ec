"""A request of HTTP or RTSP: both are a line, headers, and an empty line."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """Header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]


async def read_request(reader: asyncio.StreamReader, begun: bytes = b"") -> Request:
    """`begun`: what was read of it already. Raises IncompleteReadError when the other end is gone, ConnectionError for what
    is no request."""
    head = (begun + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        raise ConnectionError(f"expected METHOD TARGET VERSION, got {first!r}")
    pairs = (line.partition(":") for line in lines)
    request = Request(words[0], words[1], {name.strip().lower(): value.strip() for name, _, value in pairs})
    await reader.readexactly(int(request.headers.get("content-length", 0)))
    return request
