"""Server-sent events: a subscription as the body of an answer.

Promises: ends when the client goes, when it takes nothing for too long, and when the service stops; the subscription is
given back however it ends. A comment every few seconds keeps proxies from closing what is quiet.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from services.feedback.recent.subscription import Event, Subscription, Taken

HEARTBEAT_S = 15.0
SEND_TIMEOUT_S = 60.0
MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
_HEARTBEAT = b": still here\n\n"


class LiveStream(StreamingResponse):
    """Sends what the subscription has, until one side ends it; then calls `leave`."""

    media_type = MEDIA_TYPE

    def __init__(self, subscription: Subscription, leave: Callable[[Subscription], None]) -> None:
        super().__init__(_body(subscription), headers=HEADERS)
        self._subscription = subscription
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            # A client that is there and reads nothing would hold its place for ever.
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        except TimeoutError:
            return
        finally:
            self._leave(self._subscription)


async def _body(subscription: Subscription) -> AsyncIterator[bytes]:
    yield b": predictions as they come\n\n"
    ended = False
    while not ended:
        taken = await subscription.take(HEARTBEAT_S)
        ended = taken.ended
        yield b"".join(_lines(taken)) or _HEARTBEAT


def _lines(taken: Taken) -> list[bytes]:
    """Losses first: they lie before what is left."""
    losses = [("too_slow", taken.dropped), ("expired", taken.expired)]
    told = [_dropped(why, count) for why, count in losses if count]
    return told + [_prediction(event) for event in taken.events]


def _dropped(why: str, count: int) -> bytes:
    return b"event: dropped\ndata: " + json.dumps({"why": why, "count": count}).encode() + b"\n\n"


def _prediction(event: Event) -> bytes:
    return b"id: " + event.event_id.encode() + b"\nevent: prediction\ndata: " + event.data + b"\n\n"
