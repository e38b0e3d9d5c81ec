"""The real server: a socket, a thread, an end."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from services.feedback.config import FeedbackConfig, FeedbackOptions
from services.feedback.server import listen, serve, url
from shared.errors import SettingsError
from tests.unit.services.feedback.conftest import Site


@contextmanager
def served(site: Site, timeout_s: float = 5.0) -> Iterator[tuple[str, threading.Event, "Future[None]"]]:
    """The address of a running server, its stop, and what becomes of its thread."""
    stop = threading.Event()
    config = FeedbackConfig(feedback=FeedbackOptions(port=0, timeout_s=timeout_s, folder=site.folder / "feedback"))
    listening = listen(config.feedback)
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(serve, config, site, stop, listening)
        try:
            yield url(listening), stop, done
        finally:
            stop.set()


def test_serves_until_it_is_stopped(site: Site) -> None:
    prediction_id, _ = site.prediction()
    with served(site) as (address, stop, done), httpx.Client(base_url=address, timeout=10) as client:
        assert client.get("/livez").status_code == 200
        answer = client.post("/v1/verdicts", json={"prediction_id": prediction_id, "kind": "confirmed"})
        assert answer.status_code == 202
        assert "server" not in answer.headers
        stop.set()
        done.result(timeout=10)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/livez", timeout=5)
    assert [verdict.prediction_id for verdict in site.verdicts()] == [prediction_id]


def test_answers_what_it_has_begun_before_it_ends(site: Site) -> None:
    predictions = [site.prediction()[0] for _ in range(20)]

    def post(client: httpx.Client, prediction_id: str) -> int:
        try:
            return client.post("/v1/verdicts", json={"prediction_id": prediction_id, "kind": "confirmed"}).status_code
        except httpx.TransportError:
            return 0

    with served(site) as (address, stop, done), httpx.Client(base_url=address, timeout=10) as client:
        assert client.get("/livez").status_code == 200
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(post, client, prediction_id) for prediction_id in predictions]
            answers[4].result(timeout=10)
            stop.set()
            codes = [answer.result(timeout=20) for answer in answers]
        done.result(timeout=10)
    assert set(codes) <= {202, 0}
    assert {v.prediction_id for v in site.verdicts()} >= {
        p for p, c in zip(predictions, codes, strict=True) if c == 202
    }


def test_a_body_that_does_not_come_is_408(site: Site) -> None:
    head = b"POST /v1/verdicts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    with served(site, timeout_s=0.2) as (address, _, _):
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            connection.sendall(head)
            assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


CHUNKED = b"POST /v1/verdicts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"


@pytest.mark.parametrize("begun", [b"GET /livez?", b"GET /livez HTTP/1.1\r\nX-Long: ", CHUNKED + b"X-Trailer: "])
def test_a_head_without_an_end_is_cut_off(site: Site, begun: bytes) -> None:
    """It was kept, all of it, of whoever could reach the port."""
    with served(site) as (address, _, _):
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
            connection.sendall(begun)
            with pytest.raises(OSError, match=r"reset|pipe"):  # nobody reads any more
                connection.sendall(b"a" * 50_000_000)


def test_a_long_head_and_a_large_body_are_taken(site: Site) -> None:
    with served(site) as (address, _, _), httpx.Client(base_url=address, timeout=10) as client:
        for _ in range(3):  # on one connection
            assert client.get("/livez", headers={"X-Long": "a" * 40_000}).status_code == 200
            large = client.post(
                "/v1/frames?source_id=door", content=b"a" * 1_900_000, headers={"Content-Type": "image/png"}
            )
            assert large.status_code == 422


def test_a_port_that_is_taken_is_said() -> None:
    with listen(FeedbackOptions(port=0)) as first, pytest.raises(SettingsError, match=r"feedback\.port|feedback\.host"):
        listen(FeedbackOptions(port=first.getsockname()[1]))
