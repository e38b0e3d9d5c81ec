"""GET /v1/predictions, /v1/predictions/{id}, /v1/sources, and the live stream from a real server."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from services.feedback.recent import streaming
from services.feedback.recent.tail import MAX_SUBSCRIBERS
from tests.unit.services.feedback.conftest import HOUR_S, Site
from tests.unit.services.feedback.recent.test_tail import predicted
from tests.unit.services.feedback.test_api_verdicts import KEY, code
from tests.unit.services.feedback.test_server import served

PATH = "/v1/predictions"


def test_the_newest_first_with_all_that_a_page_needs(site: Site, client: TestClient) -> None:
    older, newer = predicted(site), predicted(site)
    answer = client.get(PATH, params={"source_id": "door", "limit": 1}).json()
    (one,) = answer["predictions"]
    assert (one["prediction_id"], answer["complete"]) == (newer, True)
    assert one["source_id"] == "door"
    assert abs(one["time_ms"] - site.now_ms) < 1_000
    assert one["threshold"] == 0.5
    assert [(d["box"], d["weak"]) for d in one["detections"]] == [
        ([10, 10, 90, 90], False),
        ([100, 10, 190, 90], True),
    ]
    assert one["image"] == f"/v1/predictions/{newer}/image"
    following = client.get(PATH, params={"source_id": "door", "before": answer["before"]}).json()
    assert [p["prediction_id"] for p in following["predictions"]] == [older]
    assert following["before"] is None


def test_one_is_what_the_list_has(site: Site, client: TestClient) -> None:
    prediction_id = predicted(site)
    listed = client.get(PATH, params={"source_id": "door"}).json()["predictions"][0]
    assert client.get(f"{PATH}/{prediction_id}").json() == listed


def test_sources(site: Site, client: TestClient) -> None:
    predicted(site, "door", partition=1)
    assert client.get("/v1/sources").json() == {
        "sources": [{"source_id": "door", "partition": 1, "seen_ms": pytest.approx(site.now_ms, abs=1_000)}]
    }


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"source_id": ""},
        {"source_id": "s" * 5_000},
        {"source_id": "door", "limit": 0},
        {"source_id": "door", "limit": 101},
        {"source_id": "door", "limit": "ten"},
        {"source_id": "door", "role": "dead"},
        {"source_id": "door", "before": "0-x"},
        {"source_id": "door", "before": "0" * 65},
        {"source_id": "door", "before": "77-1"},
    ],
)
def test_parameters_that_cannot_be(site: Site, client: TestClient, params: dict[str, Any]) -> None:
    predicted(site)
    assert code(client.get(PATH, params=params))[0] == 422


@pytest.mark.parametrize(
    ("prediction_id", "status"),
    [
        ("..%2f..%2fetc", 404),
        ("%2e%2e", 422),
        ("0" * 10_000, 422),
        ("٣-4-deadbeef", 422),
        ("0-01-deadbeef", 422),
        ("-1-0-deadbeef", 422),
        (f"0-{'9' * 19}-deadbeef", 422),
        (f"0-{'9' * 18}-deadbeef", 404),
        ("77-0-deadbeef", 404),
        ("%00%ff", 422),
    ],
)
def test_ids_that_are_none(client: TestClient, prediction_id: str, status: int) -> None:
    assert code(client.get(f"{PATH}/{prediction_id}"))[0] == status


def test_gone_and_no_log(site: Site, client: TestClient) -> None:
    prediction_id = predicted(site, partition=1)
    assert code(client.get(f"{PATH}/{prediction_id[:-8]}00000000"))[:2] == (410, "prediction_gone")
    site.later(8 * 24 * HOUR_S)
    predicted(site, partition=1)
    site.log.close()
    for path in (PATH + "?source_id=door", f"{PATH}/0-0-deadbeef", "/v1/sources", f"{PATH}/stream"):
        assert code(client.get(path)) == (503, "unavailable", "log")


def test_nothing_without_a_key(client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys={"porch-app": KEY})
    for path in (PATH + "?source_id=door", f"{PATH}/0-0-deadbeef", f"{PATH}/stream", "/v1/sources"):
        assert code(client.get(path))[:2] == (401, "not_authenticated")


def test_a_stream_is_refused_before_it_begins(client: TestClient) -> None:
    assert code(client.get(f"{PATH}/stream", headers={"Last-Event-ID": "garbage"})) == (
        422,
        "invalid_request",
        "Last-Event-ID",
    )
    assert code(client.get(f"{PATH}/stream", params={"source_id": ["s"] * 101}))[0] == 422


Event = dict[str, str]


def blocks(response: httpx.Response) -> Iterator[Event]:
    """The events of a stream, as a browser reads them; comments have the name `:`."""
    lines: list[str] = []
    for line in response.iter_lines():
        if line:
            lines.append(line)
            continue
        fields = [one.partition(":") for one in lines]
        yield {name or ":": value.strip() for name, _, value in fields}
        lines = []


@contextmanager
def watching(address: str, last_event_id: str | None = None, **params: Any) -> Iterator[Iterator[Event]]:
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    with (
        httpx.Client(base_url=address, timeout=10) as client,
        client.stream("GET", f"{PATH}/stream", params=params, headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        events = blocks(response)
        assert ":" in next(events), "something comes at once, so that a client knows that it is connected"
        yield events


class TestStream:
    def test_predictions_as_they_come_and_after_a_break(self, site: Site) -> None:
        with served(site) as (address, _, _):
            with watching(address, source_id="door") as events:
                predicted(site, "yard")
                first = predicted(site, "door", partition=1)
                event = next(events)
            assert event["event"] == "prediction"
            assert event["id"].partition(";")[0] == first
            shown = json.loads(event["data"])
            missed = predicted(site, "door", partition=1)
            with watching(address, event["id"], source_id="door") as events:
                assert json.loads(next(events)["data"])["prediction_id"] == missed
            assert httpx.get(f"{address}{PATH}/{first}").json() == shown

    def test_several_sources(self, site: Site) -> None:
        with served(site) as (address, _, _), watching(address, source_id=["door", "yard"]) as events:
            sent = [predicted(site, source_id) for source_id in ("door", "gate", "yard")]
            assert [json.loads(next(events)["data"])["prediction_id"] for _ in range(2)] == [sent[0], sent[2]]

    def test_a_quiet_stream_is_kept_open(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.05)
        with served(site) as (address, _, _), watching(address) as events:
            assert [list(next(events)) for _ in range(3)] == [[":"]] * 3

    def test_the_service_stops_although_somebody_watches(self, site: Site) -> None:
        with served(site, timeout_s=60) as (address, stop, done), watching(address) as events:
            stop.set()
            done.result(timeout=10)  # uvicorn would wait for a minute
            assert list(events) == [{":": "still here"}]

    def test_there_are_so_many_places_and_who_goes_gives_one_back(self, site: Site) -> None:
        with served(site) as (address, _, _), httpx.Client(base_url=address, timeout=10, limits=LIMITS) as client:
            with ExitStack() as watchers:
                for _ in range(MAX_SUBSCRIBERS):
                    assert watchers.enter_context(client.stream("GET", f"{PATH}/stream")).status_code == 200
                refused = client.get(f"{PATH}/stream")
                assert code(refused)[:2] == (429, "too_many_requests")
                assert int(refused.headers["retry-after"]) > 0
            deadline_s = time.monotonic() + 10
            status = 429
            while status == 429 and time.monotonic() < deadline_s:
                with client.stream("GET", f"{PATH}/stream") as response:
                    status = response.status_code
            assert status == 200


LIMITS = httpx.Limits(max_connections=None)
