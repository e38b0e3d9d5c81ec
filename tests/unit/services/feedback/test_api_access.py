"""Before all routes: rates, requests in flight, pages of other origins, and bodies that do not come."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from services.feedback.api import create_app
from services.feedback.api.in_flight import InFlight
from services.feedback.desk import Desk
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.feedback.test_api_verdicts import PATH, code, confirmed

APP = "https://app.example.com"


def test_who_asks_too_fast_is_told_when_to_come_again(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys={"a": "key-a", "b": "key-b"}, max_per_s=0.1)
    body = confirmed(site.prediction()[0])
    answers = [client.post(PATH, json=body, headers={"X-API-Key": "key-a"}) for _ in range(3)]
    assert answers[0].status_code == 202
    assert code(answers[-1]) == (429, "too_many_requests", "Authorization")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10
    assert client.post(PATH, json=body, headers={"X-API-Key": "key-b"}).status_code == 202


def test_no_limit_is_none(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(max_per_s=0)
    body = confirmed(site.prediction()[0])
    assert {client.post(PATH, json=body).status_code for _ in range(20)} == {202}


def test_one_more_than_may_be_in_work_is_told_to_come_again() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await free.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def all_at_once() -> tuple[list[int], int, int]:
        transport = httpx.ASGITransport(InFlight(slow, most=2))
        async with httpx.AsyncClient(transport=transport, base_url="http://feedback") as client:
            waiting = [asyncio.create_task(client.get("/v1/x")) for _ in range(2)]
            await asyncio.sleep(0)
            refused = [await client.get("/v1/x") for _ in range(3)]
            alive = asyncio.create_task(client.get("/livez"))
            free.set()
            codes = [one.status_code for one in await asyncio.gather(*waiting)]
            assert {one.json()["error"]["code"] for one in refused} == {"busy"}
            assert all(int(one.headers["Retry-After"]) > 0 for one in refused)
            again = await client.get("/v1/x")
            return [one.status_code for one in refused] + codes, (await alive).status_code, again.status_code

    free = asyncio.Event()
    assert asyncio.run(all_at_once()) == ([503, 503, 503, 200, 200], 200, 200)


def test_a_stream_of_events_counts_until_it_has_begun() -> None:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        began.set()
        await ended.wait()

    async def two() -> int:
        app = InFlight(stream, most=1)
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        scope = {"type": "http", "path": "/v1/predictions/stream", "headers": [], "method": "GET"}
        tasks = []
        for _ in range(2):
            began.clear()
            tasks.append(asyncio.create_task(app(scope, receive, send)))
            await asyncio.wait_for(began.wait(), 5)
        ended.set()
        await asyncio.gather(*tasks)
        return sum(message.get("status") == 200 for message in sent)

    began, ended = asyncio.Event(), asyncio.Event()
    assert asyncio.run(two()) == 2


def test_a_body_that_does_not_come_is_408(desk_for: Callable[..., Desk]) -> None:
    async def never() -> Any:
        yield b"{"
        await asyncio.sleep(60)

    async def post() -> httpx.Response:
        app = create_app(desk_for(timeout_s=0.05))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://feedback") as client:
            return await client.post(PATH, content=never(), headers={"Content-Type": "application/json"})

    assert code(asyncio.run(asyncio.wait_for(post(), 20))) == (408, "body_too_slow", "body")


class TestOrigins:
    def test_no_page_of_another_origin_by_default(self, client: TestClient) -> None:
        answer = client.get("/livez", headers={"Origin": APP})
        assert "access-control-allow-origin" not in answer.headers
        preflight = client.options(PATH, headers={"Origin": APP, "Access-Control-Request-Method": "POST"})
        assert "access-control-allow-origin" not in preflight.headers

    def test_a_listed_one_may_ask(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        client = client_for(origins=[APP])
        preflight = client.options(
            PATH,
            headers={
                "Origin": APP,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
            },
        )
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == APP
        answer = client.post(PATH, json=confirmed(site.prediction()[0]), headers={"Origin": APP})
        assert answer.status_code == 202
        assert answer.headers["access-control-allow-origin"] == APP
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers

    def test_another_may_not_and_each_answer_varies(self, client_for: Callable[..., TestClient]) -> None:
        client = client_for(origins=[APP])
        other = client.get("/livez", headers={"Origin": "https://app.example.com.evil.example"})
        assert "access-control-allow-origin" not in other.headers
        assert [client.get("/livez").headers["vary"], other.headers["vary"]] == ["Origin", "Origin"]

    def test_a_page_can_read_why_it_was_refused(self, client_for: Callable[..., TestClient]) -> None:
        client = client_for(origins=[APP], api_keys={"app": "key"})
        answer = client.post(PATH, json={}, headers={"Origin": APP})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, APP)


def test_every_answer_is_documented_with_an_example(client: TestClient) -> None:
    for path in ("/v1/verdicts", "/v1/verdicts/bulk", "/v1/links"):
        operation = client.get("/openapi.json").json()["paths"][path]["post"]
        assert operation["requestBody"]["content"]["application/json"]["examples"]
        for status in (401, 403, 408, 413, 415, 422, 429, 500, 503):
            examples = operation["responses"][str(status)]["content"]["application/json"]["examples"]
            for name, example in examples.items():
                assert example["value"]["error"]["code"] == name
