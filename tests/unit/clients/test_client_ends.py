"""The client where things end badly: what is no fault of a frame, what cannot be sent at all, forks at a bad moment."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from gleaner import Dropped, Gleaner, Refused

from tests.unit.clients.conftest import Running
from tests.unit.services.sampler.making import jpeg

WAIT_S = 20.0
ClientOf = Callable[..., Gleaner]
TAKEN = httpx.Response(202, json={"frame_id": "f", "prediction_id": None})


def answering(*answers: httpx.Response) -> httpx.MockTransport:
    left = list(answers)
    return httpx.MockTransport(lambda _: left.pop(0) if left else TAKEN)


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, json={"error": {"code": code, "message": "m", "where": "w"}})


def in_a_child(run: Callable[[], bool]) -> bool:
    """What it returns in a process that was forked off; False where that hangs."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if run() else 1
        finally:
            os._exit(code)
    waiting = threading.Event()
    for _ in range(500):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        waiting.wait(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.mark.parametrize("key", ["secret\n", "two words"])
def test_a_key_that_no_header_can_hold_is_said_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="key: expected"):
        Gleaner("http://127.0.0.1:9", key)


def test_what_has_no_confidence_is_refused_by_the_service(service: Running, client_of: ClientOf) -> None:
    box = {"box": [1.0, 2.0, 3.0, 4.0], "class_name": "package"}
    with pytest.raises(Refused, match="confidence"):
        client_of(service).publish(jpeg(1), predictions=[box]).wait(WAIT_S)


def test_a_frame_is_given_up_for_the_services_own_errors_alone(running: Running, client_of: ClientOf) -> None:
    away = [problem(503, "unavailable", **{"Retry-After": "0"})] * 5
    client = client_of(running, transport=answering(*away, problem(500, "internal")))
    assert client.publish(jpeg(1)).wait(WAIT_S) is not None


def test_there_is_a_pause_also_where_none_is_asked_for(running: Running, client_of: ClientOf) -> None:
    client = client_of(running, transport=answering(problem(503, "unavailable", **{"Retry-After": "0"})))
    begun_s = time.monotonic()
    client.publish(jpeg(1)).wait(WAIT_S)
    assert time.monotonic() - begun_s >= 0.1


def test_a_transport_that_fails_holds_up_no_other_frame(running: Running, client_of: ClientOf) -> None:
    failing = [RuntimeError("the transport's own")]

    def answer(_: httpx.Request) -> httpx.Response:
        if failing:
            raise failing.pop()
        return TAKEN

    client = client_of(running, transport=httpx.MockTransport(answer))
    first, second = client.publish(jpeg(1)), client.publish(jpeg(2))
    assert second.wait(WAIT_S) is not None
    with pytest.raises(Refused, match="RuntimeError"):
        first.wait(WAIT_S)
    assert (client.stats().refused, client.flush(WAIT_S)) == (1, True)


def test_who_waits_for_room_is_told_that_the_client_was_closed(running: Running, client_of: ClientOf) -> None:
    client = client_of(running, max_bytes=5_000, block_s=WAIT_S)
    big: list[Any] = []
    client.publish(b"\xff\xd8" + bytes(3_000))
    waits = threading.Thread(target=lambda: big.append(client.publish(b"\xff\xd8" + bytes(3_000))))
    waits.start()
    client.close(0.2)
    waits.join(WAIT_S)
    assert isinstance(big[0].error, Dropped)
    assert big[0].error.code == "closed"


def test_a_fork_while_a_frame_is_settled_hangs_no_child(running: Running, client_of: ClientOf) -> None:
    published = client_of(running).publish(jpeg(1))
    with published._settling:  # as the thread that sends has it for a moment
        assert in_a_child(lambda: published.done)


def test_two_processes_never_share_the_connections_of_a_transport(service: Running, client_of: ClientOf) -> None:
    client = client_of(service, transport=httpx.HTTPTransport())
    client.publish(jpeg(1)).wait(WAIT_S)

    def is_refused() -> bool:
        published = client.publish(jpeg(2))
        published._settled.wait(WAIT_S)
        return published.error is not None and published.error.code == "forked"

    assert in_a_child(is_refused)
    assert client.publish(jpeg(3)).wait(WAIT_S) is not None
    assert len(service.frames()) == 2
