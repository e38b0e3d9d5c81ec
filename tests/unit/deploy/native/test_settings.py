"""What the servers are told: loopback only, durable, no topic by accident."""

from pathlib import Path

import pytest

from deploy.native import kafka_server, minio_server, redis_server
from tests.docker_servers import kafka_variables


def test_kafka_listens_on_loopback_only_and_makes_no_topics() -> None:
    text = kafka_server.server_properties(port=20001, controller_port=20002, data=Path("/data"))
    settings = dict(line.split("=", 1) for line in text.splitlines())
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:20002"
    assert settings["log.dirs"] == "/data"
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["message.max.bytes"] == str(2 * 1024 * 1024)


def test_a_cluster_id_is_what_kafka_takes() -> None:
    ids = {kafka_server.cluster_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(cluster_id) == 22 and cluster_id[0] != "-" for cluster_id in ids)


def test_the_container_gets_the_same_settings() -> None:
    variables = kafka_variables(20001)
    assert variables["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert variables["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:20001"
    assert variables["KAFKA_LISTENERS"].startswith("PLAINTEXT://0.0.0.0:20001,")


def test_redis_writes_every_command_down_and_takes_no_snapshot() -> None:
    settings = redis_server.settings(20003, Path("/data"))
    assert settings[settings.index("--appendonly") + 1] == "yes"
    assert settings[settings.index("--save") + 1] == ""
    assert settings[settings.index("--bind") + 1] == "127.0.0.1"


def test_minio_gets_its_keys_in_the_environment_not_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "gleaner" / "servers" / minio_server.ENTRY).mkdir(parents=True)
    server = minio_server.MinioServer(tmp_path / "minio", 20004, "an-access-key", "a-secret-key")
    assert server.environment()["MINIO_ROOT_PASSWORD"] == "a-secret-key"
    assert "a-secret-key" not in " ".join(server.command())
