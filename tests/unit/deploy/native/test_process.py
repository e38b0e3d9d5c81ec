"""A server as a process: start, stop, kill, freeze, again; nothing is left behind. The server here is Python's own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from deploy.native import detached
from deploy.native.ports import free_port
from deploy.native.probes import http_status
from deploy.native.process import Server, ServerFailed

DEADLINE_S = 10


class WebServer(Server):
    """Serves its folder."""

    name = "web"

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(self.port)]

    def answers(self) -> bool:
        return http_status(f"http://127.0.0.1:{self.port}/", timeout_s=0.2) == 200


class BrokenServer(WebServer):
    """Says why, and ends."""

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", "raise SystemExit('no space left')"]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"


def is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    server = WebServer(tmp_path, free_port())
    server.start(DEADLINE_S)
    yield server
    server.stop()


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_it_ends_without_a_trace_and_starts_again_on_its_port(server: WebServer, end: Callable[[Server], None]) -> None:
    first = server.pid
    end(server)
    assert first is not None
    assert is_gone(first)
    assert server.pid is None
    assert not server.answers()
    server.start(DEADLINE_S)
    assert server.answers()
    assert server.pid != first


def test_a_server_that_crashed_starts_again(server: WebServer) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.pid is None)
    server.start(DEADLINE_S)
    assert server.answers()


def test_frozen_it_answers_nothing_and_thawed_it_goes_on(server: WebServer) -> None:
    pid = server.pid
    server.freeze()
    assert not server.answers()
    server.thaw()
    wait_until(server.answers)
    assert server.pid == pid


def test_a_frozen_server_can_be_stopped(server: WebServer) -> None:
    server.freeze()
    server.stop()
    assert server.pid is None


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="no space left"):
        BrokenServer(tmp_path, free_port()).start(DEADLINE_S)


def test_a_server_that_does_not_answer_in_time_is_stopped(tmp_path: Path) -> None:
    server = WebServer(tmp_path, free_port())
    with pytest.raises(ServerFailed, match="within 0"):
        server.start(timeout_s=0)
    assert server.pid is None


def test_it_dies_with_whoever_started_it_even_when_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _STARTS_A_SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert not is_gone(pid)
        starter.kill()
    wait_until(lambda: is_gone(pid))


_STARTS_A_SERVER = """
import sys, time
from pathlib import Path
from deploy.native.ports import free_port
from deploy.native.process import Server

class Sleeper(Server):
    name = "sleeper"
    def command(self): return ["sleep", "600"]
    def answers(self): return True

server = Sleeper(Path(sys.argv[1]), free_port())
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


def test_a_noted_process_is_known_by_its_start_time_not_its_number_alone() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        ticks = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19])
        noted = detached.Noted(pid=process.pid, started_ticks=ticks, variables={})
        another = detached.Noted(pid=process.pid, started_ticks=ticks - 1, variables={})
        assert detached.is_alive(noted)
        assert not detached.is_alive(another)
        os.killpg(process.pid, signal.SIGKILL)
    assert not detached.is_alive(noted)
