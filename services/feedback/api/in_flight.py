"""Requests in flight: at most so many in work at once, so that slow clients cannot fill the memory.

Promises: one more is answered at once, before a byte of its body is read. What only has to see whether we live is never
refused. A stream of events counts until it has begun: who serves it bounds how many there are.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.feedback.api.problems import answer

COUNTED = "/v1/"
RETRY_AFTER_S = 1


class InFlight:
    """ASGI around ASGI."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(COUNTED):
            await self._app(scope, receive, send)
        elif self._count >= self._most:
            await _busy(self._most)(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = True

        def leave() -> None:
            nonlocal counted
            self._count -= counted
            counted = False

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_event_stream(message):
                leave()
            await send(message)

        self._count += 1
        try:
            await self._app(scope, receive, watched)
        finally:
            leave()


def _is_event_stream(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in message["headers"])


def _busy(most: int) -> ASGIApp:
    text = f"{most:,} requests are in work already; send the same again in {RETRY_AFTER_S} s"
    return answer(503, "busy", text, "feedback.max_in_flight", {"Retry-After": str(RETRY_AFTER_S)})
