"""Who calls: the API key or signed link of a request, as a dependency of a route.

Promises: a route that asks for a scope is never reached without it. A link is taken by the routes alone that say what it must
be good for; in the address (`?token=`) only where a page cannot send a header, for images.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from services.feedback.access.caller import Caller, May, Scope
from services.feedback.access.door import Door
from services.feedback.access.links import MOST_TOKEN_CHARS, is_link
from services.feedback.api.query import check_query
from services.feedback.desk import Desk

_BEARER = HTTPBearer(auto_error=False, description="an API key of the settings, or the token of a signed link")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="the same key, in a header of its own")
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
_Header = Annotated[str | None, Depends(_HEADER)]
"""What the documentation says of every route; the header itself is read in one place, `_credential`."""
CREDENTIALS: list[dict[str, list[str]]] = [{_BEARER.scheme_name: []}, {_HEADER.scheme_name: []}]
_TOKEN = Query(max_length=MOST_TOKEN_CHARS, description="a signed link's token, where no header can be sent")

Calling = Callable[..., Awaitable[Caller]]


def calling(desk: Desk, scope: Scope, link: May | None = None) -> Calling:
    """Gives the caller, who has this scope; answers 401, 403 or 429 instead. `link`: taken, too, if it is good for this.

    Whoever takes links looks up predictions with `Lookup.prediction_for`: a link is good for one of them.
    """

    async def caller(request: Request, _bearer: _Bearer, _header: _Header) -> Caller:
        return caller_of(request, desk, scope, link)

    return caller


def caller_of(request: Request, desk: Desk, scope: Scope, link: May | None = None) -> Caller:
    """The same for a direct route, which says of itself that it takes `CREDENTIALS`."""
    return _admitted(request, desk, _credential(request), scope, link)


def calling_for_image(desk: Desk) -> Calling:
    """The same for the image of a prediction, which a page shows by its address: a link's token may stand in it."""

    async def caller(
        request: Request, _bearer: _Bearer, _header: _Header, token: Annotated[str | None, _TOKEN] = None
    ) -> Caller:
        given = _credential(request)
        if given is None and token is not None and is_link(token):  # never a key: addresses are written down everywhere
            given = token.encode("ascii", "replace")
        return _admitted(request, desk, given, "read", "image")

    return caller


def _admitted(request: Request, desk: Desk, credential: bytes | None, scope: Scope, link: May | None) -> Caller:
    known = door_of(request.app, desk).caller(credential)
    known.check_scope(scope)
    known.check_link(link)
    check_query(request)
    return known


def _credential(request: Request) -> bytes | None:
    """As it was sent: headers are bytes, which are handed on as Latin-1."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else ""
    given = given or request.headers.get(_HEADER.model.name, "")
    return given.encode("latin-1") if given else None


def door_of(app: FastAPI, desk: Desk) -> Door:
    """One for all routes of an application: a caller's requests are counted together."""
    if not hasattr(app.state, "door"):
        app.state.door = Door(desk.keys, desk.backend.salt, desk.config.feedback.max_per_s, desk.backend.clock)
    door: Door = app.state.door
    return door
