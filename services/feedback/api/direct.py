"""Direct routes: the function is handed the request as it is, and takes from it what it needs.

A verdict spends a quarter of its way into the log in FastAPI's solving of dependencies, which can do far more than one key,
one body and one header ask for. Promises: errors become answers as on every route; the route documents what it takes by
itself, in `openapi_extra`.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute


class DirectRoute(APIRoute):
    """For `add_api_route(..., route_class_override=DirectRoute)`; its function is `async (Request) -> Response`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler
