"""A live stream as a server sees it: how it ends, whoever ends it, and how losses are told."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message

from services.feedback.access.caller import Caller
from services.feedback.recent import streaming
from services.feedback.recent.streaming import LiveStream
from services.feedback.recent.subscription import Event, Subscription
from services.feedback.recent.wanted import Wanted

DEADLINE_S = 20.0
SCOPE = {"type": "http", "asgi": {"spec_version": "2.3"}}


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("nothing sets it")


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), DEADLINE_S))


def subscribed() -> Subscription:
    return Subscription(Wanted(Caller("local")), {}, set(), max_bytes=1_000)


def test_losses_are_told_before_what_is_left() -> None:
    async def test() -> None:
        subscription = subscribed()
        sent: list[bytes] = []
        left: list[Subscription] = []
        for number in range(5):
            subscription.offer(Event(f"0-{number}-deadbeef", b'"' + b"x" * 400 + b'"'))
        subscription.lost(7)
        subscription.end()

        async def send(message: Message) -> None:
            sent.append(message.get("body", b""))

        await LiveStream(subscription, left.append)(SCOPE, never, send)
        blocks = b"".join(sent).decode().split("\n\n")
        told = [json.loads(block.partition("data: ")[2]) for block in blocks if block.startswith("event: dropped")]
        assert told == [{"why": "too_slow", "count": 3}, {"why": "expired", "count": 7}]
        assert [block.splitlines()[0] for block in blocks[3:-1]] == ["id: 0-3-deadbeef", "id: 0-4-deadbeef"]
        assert left == [subscription]

    run(test)


def test_a_client_that_takes_nothing_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "SEND_TIMEOUT_S", 0.05)

    async def test() -> None:
        subscription = subscribed()
        left: list[Subscription] = []

        async def send(message: Message) -> None:
            await never()

        await LiveStream(subscription, left.append)(SCOPE, never, send)
        assert left == [subscription]

    run(test)


def test_a_client_that_goes_gives_its_place_back() -> None:
    async def test() -> None:
        subscription = subscribed()
        left: list[Subscription] = []
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            gone.set()

        await LiveStream(subscription, left.append)(SCOPE, receive, send)
        assert left == [subscription]

    run(test)
