import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services.cli.doctoring.finding import Finding
from services.cli.doctoring.ports import ports
from shared.runtime import health
from shared.runtime.health import Health
from shared.settings import Settings
from tests.hosts.server import Quiet, serving


def settings(feedback: int = 0, health: int = 0) -> Settings:
    return Settings({"feedback": {"port": feedback}, "health": {"port": health}})


def looked(given: Settings) -> dict[str, Finding]:
    return {one.looked_at: one for one in ports(given)}


@contextmanager
def gleaner(state: Health) -> Iterator[int]:
    server = health.serve(state, "127.0.0.1", 0)
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_free_ports_and_none() -> None:
    assert looked(settings(free_port(), 0))["feedback's port"].found.endswith("is free")
    found = looked(settings(0, free_port()))
    assert "any free one" in found["feedback's port"].found
    assert found["health's port"].found.endswith("is free")


def test_a_gleaner_that_runs_here_is_ours() -> None:
    with gleaner(Health()) as port:
        found = looked(settings(health=port))["health's port"]
        assert (found.state, "a gleaner answers" in found.found) == ("ok", True)


def test_one_that_waits_is_a_warning_with_what_it_waits_for() -> None:
    state = Health()
    state.waiting_for("state store")
    with gleaner(state) as port:
        found = looked(settings(health=port))["health's port"]
    assert (found.state, "state store" in found.found) == ("warning", True)


def test_a_strangers_port_is_wrong_and_the_command_that_names_it_is_said() -> None:
    class Stranger(Quiet):
        def do_GET(self) -> None:
            self.answer(200, b"<h1>hello</h1>", "text/html")

    with serving(Stranger) as url:
        port = int(url.rpartition(":")[2])
        found = looked(settings(feedback=port))["feedback's port"]
    assert found.state == "wrong"
    assert f"ss -ltnp 'sport = :{port}'" in found.found


def test_what_listens_and_says_nothing_is_a_stranger(monkeypatch: Any) -> None:
    monkeypatch.setattr("services.cli.doctoring.ports.TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert looked(settings(feedback=port))["feedback's port"].state == "wrong"


def test_an_address_that_is_not_ours_is_wrong() -> None:
    given = Settings({"feedback": {"host": "192.0.2.1", "port": 8080, "api_keys": {"a": "key-of-a"}}})
    assert looked(given)["feedback's port"].state == "wrong"


def test_both_on_one_port_is_wrong() -> None:
    port = free_port()
    assert looked(settings(port, port))["ports"].state == "wrong"
