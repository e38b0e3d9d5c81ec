"""Who calls: the API key of a request, as a dependency of a route.

Promises: a route that asks for a scope is never reached without it.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from services.feedback.access.caller import Caller, Scope
from services.feedback.desk import Desk

_BEARER = HTTPBearer(auto_error=False, description="an API key of the settings")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="the same key, in a header of its own")


def calling(desk: Desk, scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Gives the caller, who has this scope; answers 401 or 403 instead."""

    async def caller(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        key: Annotated[str | None, Depends(_HEADER)],
    ) -> Caller:
        given = credentials.credentials if credentials else key
        known = desk.keys.caller(None if given is None else given.encode("latin-1"))
        known.check_scope(scope)
        return known

    return caller
