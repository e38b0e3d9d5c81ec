import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.doctoring.finding import Finding
from services.cli.doctoring.stores import last_stop, stores
from shared.bootstrap import alone, open_backend
from shared.settings import Settings
from tests.servers import Servers

SALT = "a salt for the tests only, long enough"
CLOSED_PORT = 9


def embedded(folder: Path) -> Settings:
    return Settings({"backend": {"type": "embedded", "folder": str(folder / "data")}})


def looked(settings: Settings) -> dict[str, Finding]:
    return {one.looked_at: one for one in stores(settings)}


def test_no_data_folder_yet_and_none_afterwards(tmp_path: Path) -> None:
    found = looked(embedded(tmp_path))
    assert (found["stores"].state, list(tmp_path.iterdir())) == ("ok", [])
    assert list(last_stop(embedded(tmp_path))) == []


def test_a_data_folder_that_was_used(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    with open_backend(settings):
        found = looked(settings)
    assert {one.looked_at: one.state for one in found.values()} == dict.fromkeys(
        ("log", "streams", "state store", "image buffer"), "ok"
    )
    assert list(last_stop(settings)) == []


def test_a_log_alone_makes_no_salt_and_no_state_store(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    with open_backend(settings):
        pass
    for name in ("salt", "state.db"):
        (tmp_path / "data" / name).unlink()
    assert set(looked(settings)) == {"log", "streams"}
    assert {"salt", "state.db"}.isdisjoint(path.name for path in (tmp_path / "data").iterdir())


def test_one_that_was_killed_is_told_and_one_that_runs_is_not(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    code = (
        "import os, signal; from shared.bootstrap import open_backend; from shared.settings import Settings\n"
        f"with open_backend(Settings({settings.values!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[5], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with alone(settings.common):
        assert list(last_stop(settings)) == [], "it runs"
    (found,) = last_stop(settings)
    assert (found.state, "killed" in found.found) == ("warning", True)


def test_a_damaged_state_store_is_wrong_and_the_log_is_fine(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    with open_backend(settings):
        pass
    (tmp_path / "data" / "state.db").write_bytes(os.urandom(8192))
    found = looked(settings)
    assert (found["log"].state, found["state store"].state) == ("ok", "wrong")
    assert "copy the folder away" in found["state store"].todo


def test_servers_that_are_not_there_are_wrong_each_by_itself() -> None:
    nobody = f"127.0.0.1:{CLOSED_PORT}"
    backend = {"type": "cluster", "kafka": nobody, "redis": f"redis://{nobody}/0", "s3": f"http://{nobody}"}
    found = looked(Settings({"salt": SALT, "backend": backend}))
    assert {name: one.state for name, one in found.items()} == dict.fromkeys(
        ("log", "state store", "image buffer"), "wrong"
    )
    for name, setting in (("log", "kafka"), ("state store", "redis"), ("image buffer", "s3")):
        assert f"`backend.{setting}`" in found[name].todo


def test_a_log_that_cannot_be_opened_is_wrong_and_says_why(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    with open_backend(settings):
        pass
    index = tmp_path / "data" / "log" / "log.db"
    index.unlink()
    index.write_bytes(os.urandom(8192))
    found = looked(settings)
    assert (found["log"].state, "file is not a database" in found["log"].found) == ("wrong", True)
    assert "copy the folder away" in found["log"].todo


@pytest.mark.servers
def test_real_servers_answer(servers: Servers) -> None:
    backend = {
        "type": "cluster",
        "kafka": servers.kafka.address,
        "redis": servers.redis.url,
        "s3": servers.minio.endpoint,
        "s3_access_key": servers.minio.access_key,
        "s3_secret_key": servers.minio.secret_key,
        "s3_bucket": "doctor",
    }
    found = list(stores(Settings({"salt": SALT, "prefix": "doctor-", "backend": backend})))
    answers = [one.looked_at for one in found if one.state == "ok"]
    assert answers == ["log", "state store", "image buffer"], found
    faults = {one.looked_at: one for one in found if one.state != "ok"}
    assert faults.keys() == {"streams", "image buffer"}, "nobody made them"
    assert "topics apply" in faults["streams"].todo
    assert "bucket doctor does not exist" in faults["image buffer"].found
