"""docker-compose.yml and what goes with it, as files: what holds without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.feedback.config import FeedbackConfig
from services.inference.config import InferenceConfig
from services.sampler.config import SamplerConfig
from services.sources.config import SourcesConfig
from services.uploader.config import UploaderConfig
from shared.settings import Config, load
from tests.compose.project import COMPOSE_FILE, ROOT, SETTINGS

SERVICES = ("sources", "inference", "sampler", "feedback", "uploader")
SERVERS = ("kafka", "redis", "minio")
LOCKS = sorted((ROOT / "deploy/locks").glob("*.txt"))


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    declared: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]
    return declared


def test_every_service_may_be_scaled(services: dict[str, dict[str, Any]]) -> None:
    assert not [name for name, service in services.items() if "container_name" in service]
    published = {name for name, service in services.items() if "ports" in service}
    assert published == {"feedback", "kafka"}


def test_what_is_published_is_published_on_loopback(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", [*SERVICES, "shadow", "setup", "gleaner", "demo-clip"])
def test_our_containers_have_no_rights(services: dict[str, dict[str, Any]], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVERS)
def test_each_server_is_pinned_and_replaceable_by_a_variable(services: dict[str, dict[str, Any]], name: str) -> None:
    variable, _, pinned = services[name]["image"].removeprefix("${").removesuffix("}").partition(":-")
    assert variable == f"{name.upper()}_IMAGE"
    assert re.search(r":[^:]*\d+\.\d+\.\d+|:RELEASE\.\d{4}-", pinned)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_built_from_its_own_stage(services: dict[str, dict[str, Any]], name: str) -> None:
    stages = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert services[name]["build"]["target"] == name
    assert name in stages


@pytest.mark.parametrize("config", [SourcesConfig, InferenceConfig, SamplerConfig, FeedbackConfig, UploaderConfig])
def test_every_service_takes_the_settings(config: type[Config]) -> None:
    secret = "a-secret-of-sixteen-characters"
    names = ("GLEANER_SALT", "GLEANER_API_KEY", "GLEANER_S3_ACCESS_KEY", "GLEANER_S3_SECRET_KEY")
    settings = load(SETTINGS, env=dict.fromkeys(names, secret))
    assert settings.read(config) is not None
    assert settings.common.backend.type == "cluster"


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.stem for lock in LOCKS])
def test_an_image_installs_what_the_tests_ran_with(lock: Path) -> None:
    assert pinned(lock) <= pinned(ROOT / "requirements.lock"), f"{lock.name} is out of date: make lock"


def pinned(lock: Path) -> set[str]:
    """name==version of every requirement of a lock file."""
    found = set(re.findall(r"^[\w.-]+==\S+", lock.read_text(encoding="utf-8"), re.MULTILINE))
    assert found, f"expected pinned requirements in {lock}"
    return found


def test_every_variable_is_in_the_docs() -> None:
    variables = set(re.findall(r"\$\{(\w+)", COMPOSE_FILE.read_text(encoding="utf-8")))
    rows = [
        line for line in (ROOT / "docs/compose.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert {name for row in rows for name in re.findall(r"`([A-Z_0-9]+)`", row.split("|")[1])} == variables
