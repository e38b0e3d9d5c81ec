"""A Docker engine with compose, and the images to run: the public ones where they can be pulled, else stand-ins.

`make test-compose` asks for it (GLEANER_TEST_COMPOSE=1); without, the tests that need one are skipped. GLEANER_TEST_ENGINE
names a script that starts an engine (`up`), builds stand-ins (`images`) and stops what it started (`down`).
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.native.tools import find, run_to_end
from tests.compose.project import ROOT

USUAL_SCRIPT = ROOT.parent / "shared/servers/engine"
STAND_INS = {
    "PYTHON_IMAGE": "standin/python",
    "KAFKA_IMAGE": "standin/kafka",
    "REDIS_IMAGE": "standin/valkey",
    "REDIS_KIND": "valkey",
    "MINIO_IMAGE": "standin/minio",
}
ASK_TIMEOUT_S = 20


@pytest.fixture(scope="session")
def images() -> Iterator[dict[str, str]]:
    """The variables of docker-compose.yml that name images, once an engine runs. Ours is stopped at the end."""
    if os.environ.get("GLEANER_TEST_COMPOSE") != "1":
        pytest.skip("needs a Docker engine and minutes: `make test-compose` runs it")
    script = _script()
    ran_before = _answers("docker", "info")
    if script is not None:
        run_to_end([str(script), "up"])
        run_to_end([str(script), "images"])
    elif not (ran_before and _answers("docker", "compose", "version")):
        pytest.fail(
            "expected a Docker engine with compose, `docker info` or `docker compose version` fails", pytrace=False
        )
    yield STAND_INS if script is not None else {}
    if script is not None and not ran_before:
        run_to_end([str(script), "down"])


def _script() -> Path | None:
    named = os.environ.get("GLEANER_TEST_ENGINE")
    if named:
        return Path(named)
    return USUAL_SCRIPT if USUAL_SCRIPT.is_file() else None


def _answers(*command: str) -> bool:
    return find(command[0]) is not None and (
        subprocess.run(command, capture_output=True, timeout=ASK_TIMEOUT_S, check=False).returncode == 0
    )
