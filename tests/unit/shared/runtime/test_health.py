"""Health over HTTP: the loop's own ticks decide liveness, what it waits for decides readiness, metrics are Prometheus text."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from shared.runtime.health import MAX_TICK_AGE_S, AllHealthy, Health, serve
from shared.telemetry import metrics

Get = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def get(health: Health) -> Iterator[Get]:
    server = serve(health, "127.0.0.1", 0, {"/sources": lambda: [{"source_id": "door", "published": 3}]})

    def ask(path: str) -> tuple[int, str, str]:
        """(status, content type, body)."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers["Content-Type"], refused.read().decode()

    yield ask
    server.shutdown()
    server.server_close()


def test_a_loop_that_ticks_is_alive_and_ready(get: Get) -> None:
    assert get("/livez") == (200, "application/json", '{"alive": true}')
    assert get("/readyz") == (200, "application/json", '{"waiting_for": null}')


def test_waiting_for_a_dependency_is_not_ready_but_alive(get: Get, health: Health) -> None:
    health.waiting_for("state store")
    status, _, body = get("/readyz")
    assert (status, json.loads(body)) == (503, {"waiting_for": "state store"})
    assert get("/livez")[0] == 200, "an outage of another system must not restart the fleet"
    health.waiting_for(None)
    assert get("/readyz")[0] == 200


def test_a_loop_that_no_longer_ticks_is_not_alive(get: Get, health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    later_s = time.monotonic() + MAX_TICK_AGE_S + 1
    with monkeypatch.context() as patch:
        patch.setattr("shared.runtime.health.time.monotonic", lambda: later_s)
        alive = health.alive
        health.tick()
        alive_again = health.alive
    assert (alive, alive_again) == (False, True)


def test_metrics_are_prometheus_text(get: Get) -> None:
    metrics.RECORDS.labels("sampler", "predictions").inc()
    status, content_type, body = get("/metrics")
    assert status == 200
    assert content_type.startswith("text/plain")
    assert "# TYPE gleaner_records_total counter" in body


def test_a_page_of_the_servers_own(get: Get) -> None:
    assert get("/sources") == (200, "application/json", '[{"source_id": "door", "published": 3}]')


def test_the_settings_in_force_are_those_of_the_loop_that_takes_them_up(get: Get, health: Health) -> None:
    assert get("/settings") == (200, "application/json", "null")
    assert AllHealthy([Health(), health]).settings is None
    health.settings = lambda: {"version": "a1", "refused": None}
    assert json.loads(get("/settings")[2]) == {"version": "a1", "refused": None}
    assert AllHealthy([Health(), health]).settings is health.settings


def test_any_other_page_names_those_there_are(get: Get) -> None:
    status, _, body = get("/")
    assert (status, body) == (404, "see /livez, /readyz, /metrics, /settings, /sources\n")
