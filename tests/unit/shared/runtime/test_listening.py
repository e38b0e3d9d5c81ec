"""An address that cannot be had is a sentence that says what to change."""

import errno
import socket

import pytest

from shared.runtime.listening import cannot_listen


def fault(host: str, port: int) -> OSError:
    with pytest.raises(OSError) as caught:
        socket.create_server((host, port)).close()
    return caught.value


def test_a_port_in_use_names_the_command_that_says_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = cannot_listen("feedback", "127.0.0.1", port, fault("127.0.0.1", port))
    assert said == (
        f"feedback: port {port} of 127.0.0.1 is taken by another program, `ss -ltnp 'sport = :{port}'` says which: "
        "end that one, or set another feedback.port"
    )


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_a_host_that_is_not_here_is_said(host: str) -> None:
    assert "is no address of this machine: set health.host to 127.0.0.1" in cannot_listen(
        "health", host, 9, fault(host, 0)
    )


@pytest.mark.parametrize(
    ("number", "port", "said"),
    [(errno.EACCES, 80, "set a health.port from 1024 on"), (errno.ENFILE, 8080, "see health.host and .port")],
)
def test_other_reasons_are_said(number: int, port: int, said: str) -> None:
    assert said in cannot_listen("health", "127.0.0.1", port, OSError(number, "a reason"))
