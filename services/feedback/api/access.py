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
from services.feedback.desk import Desk

_BEARER = HTTPBearer(auto_error=False, description="an API key of the settings, or the token of a signed link")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="the same key, in a header of its own")
_TOKEN = Query(max_length=MOST_TOKEN_CHARS, description="a signed link's token, where no header can be sent")

Calling = Callable[..., Awaitable[Caller]]


def calling(desk: Desk, scope: Scope, link: May | None = None) -> Calling:
    """Gives the caller, who has this scope; answers 401, 403 or 429 instead. `link`: taken, too, if it is good for this.

    Whoever takes links looks up predictions with `Lookup.prediction_for`: a link is good for one of them.
    """

    async def caller(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        key: Annotated[str | None, Depends(_HEADER)],
    ) -> Caller:
        known = door_of(request.app, desk).caller(_in_header(credentials, key))
        known.check_scope(scope)
        known.check_link(link)
        return known

    return caller


def calling_for_image(desk: Desk) -> Calling:
    """The same for the image of a prediction, which a page shows by its address: a link's token may stand in it."""

    async def caller(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        key: Annotated[str | None, Depends(_HEADER)],
        token: Annotated[str | None, _TOKEN] = None,
    ) -> Caller:
        given = _in_header(credentials, key)
        if given is None and token is not None and is_link(token):  # never a key: addresses are written down everywhere
            given = token.encode("ascii", "replace")
        known = door_of(request.app, desk).caller(given)
        known.check_scope("read")
        known.check_link("image")
        return known

    return caller


def _in_header(credentials: HTTPAuthorizationCredentials | None, key: str | None) -> bytes | None:
    """As it was sent: headers are bytes, which are handed on as Latin-1."""
    given = credentials.credentials if credentials else key
    return None if given is None else given.encode("latin-1")


def door_of(app: FastAPI, desk: Desk) -> Door:
    """One for all routes of an application: a caller's requests are counted together."""
    if not hasattr(app.state, "door"):
        app.state.door = Door(desk.keys, desk.backend.salt, desk.config.feedback.max_per_s, desk.backend.clock)
    door: Door = app.state.door
    return door
