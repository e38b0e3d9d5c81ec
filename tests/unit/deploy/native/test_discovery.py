"""Where tests look for servers, and what they say when there are none."""

import socket
from pathlib import Path

import pytest

from deploy.native import probes
from deploy.native.ports import free_port
from tests import servers
from tests.servers import Servers, Unavailable, discover, require

KEYS = {"GLEANER_TEST_S3_ACCESS_KEY": "an-access-key", "GLEANER_TEST_S3_SECRET_KEY": "a-secret-key"}


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the PATH, nothing in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.usefixtures("bare_machine")
def test_a_bare_machine_says_what_is_missing() -> None:
    found = discover({})
    assert isinstance(found, Unavailable)
    for what in (
        "GLEANER_TEST_KAFKA",
        "docker is not on the PATH",
        "java is not on",
        "redis-server is not",
        "go is not",
    ):
        assert what in found.reason


def test_half_an_environment_is_refused_by_name() -> None:
    found = discover({"GLEANER_TEST_KAFKA": "127.0.0.1:9092", **KEYS})
    assert found == Unavailable(
        "expected GLEANER_TEST_KAFKA, GLEANER_TEST_REDIS, GLEANER_TEST_S3, GLEANER_TEST_S3_ACCESS_KEY, "
        "GLEANER_TEST_S3_SECRET_KEY together, got none for GLEANER_TEST_REDIS, GLEANER_TEST_S3"
    )


def test_named_servers_that_do_not_answer_are_not_replaced_and_no_password_is_shown() -> None:
    port = free_port()
    environment = {
        "GLEANER_TEST_KAFKA": f"127.0.0.1:{port}",
        "GLEANER_TEST_REDIS": f"redis://:hush@127.0.0.1:{port}/0",
        "GLEANER_TEST_S3": f"http://127.0.0.1:{port}",
        **KEYS,
    }
    found = discover(environment)
    assert isinstance(found, Unavailable)
    assert f"GLEANER_TEST_REDIS=127.0.0.1:{port}/0" in found.reason
    assert "hush" not in found.reason


def test_a_port_that_only_listens_is_not_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert not probes.kafka_answers("127.0.0.1", port, timeout_s=0.1)
        assert not probes.redis_answers("127.0.0.1", port, timeout_s=0.1)
        assert not probes.minio_answers(f"http://127.0.0.1:{port}", timeout_s=0.1)


def test_missing_servers_skip_here_and_fail_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no java"):
        require(Unavailable("no java"))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no java"):
        require(Unavailable("no java"))


def test_servers_that_somebody_else_runs_are_never_stopped() -> None:
    kafka = servers.NamedKafka("127.0.0.1:9092")
    found = Servers(kafka, servers.NamedRedis(""), servers.NamedMinio("", "", ""), "environment", lambda: None)
    assert require(found) is found
    with pytest.raises(PermissionError, match="own_servers"):
        found.kafka.stop()
