"""Static files: the verdict button for other people's pages, and a page that shows it.

Promises: a fixed table of files, read once; a path never reaches the disk. Pages run no script or style but their own files.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import Response

from services.feedback.desk import Desk

FOLDER = Path(__file__).parent.parent / "web"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    # The page speaks to the server that its address names; it holds nothing but what stands in that address.
    "connect-src 'self' http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILE_POLICY = "default-src 'none'; frame-ancestors 'none'"
SCRIPT, STYLE, PAGE = ("text/javascript; charset=utf-8", "text/css; charset=utf-8", "text/html; charset=utf-8")
FOR_ANY_SITE = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=3600",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the web folder, and how it is served."""

    name: str
    media_type: str
    headers: Mapping[str, str]


def _own(name: str, media_type: str) -> StaticFile:
    policy = PAGE_POLICY if media_type == PAGE else FILE_POLICY
    return StaticFile(name, media_type, {"Cache-Control": "no-cache", "Content-Security-Policy": policy})


FILES = {
    "/gleaner-verdict.js": StaticFile("gleaner-verdict.js", SCRIPT, FOR_ANY_SITE),
    "/examples/pill-counter": _own("pill-counter.html", PAGE),
    "/examples/pill-counter.js": _own("pill-counter.js", SCRIPT),
    "/examples/pill-counter.css": _own("pill-counter.css", STYLE),
}


def add(app: FastAPI, desk: Desk) -> None:
    """One route per file; they ask the desk for nothing, so they are there whatever is down."""
    for path, file in FILES.items():
        app.add_api_route(path, _serving(file), methods=["GET", "HEAD"], include_in_schema=False)


def _serving(file: StaticFile) -> Callable[[Request], Awaitable[Response]]:
    content = (FOLDER / file.name).read_bytes()
    headers = {
        **file.headers,
        "ETag": f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"',
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    async def serve(request: Request) -> Response:
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=file.media_type, headers=headers)

    return serve
