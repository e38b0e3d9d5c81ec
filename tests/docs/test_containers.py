"""The commands of docs/first-hour that need a Docker engine: all pages one after another, in one stack from nothing to nothing.

`make test-compose` asks for it (GLEANER_TEST_COMPOSE=1); without, the test is skipped.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.native.ports import free_port
from tests.compose.project import docker
from tests.docs import pages
from tests.docs.desk import Addresses, desk, walk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def variables(images: dict[str, str]) -> dict[str, str]:
    """A name and ports that nobody else has; compose reads them before `.env`."""
    name = f"gleaner-pages-{secrets.token_hex(4)}"
    ports = {"KAFKA_PORT": str(free_port()), "GLEANER_PORT": str(free_port())}
    return {**images, **ports, "COMPOSE_PROJECT_NAME": name, "GLEANER_TAG": name}


def test_the_pages_in_containers(tmp_path: Path, variables: dict[str, str]) -> None:
    name = variables["COMPOSE_PROJECT_NAME"]
    here = Addresses({":latest": lambda: f":{name}", "localhost:9092": lambda: f"localhost:{variables['KAFKA_PORT']}"})
    blocks = [block for page in pages.pages() for block in page.blocks if block.needs_engine]
    with taken_away(name), desk(tmp_path, here, variables) as reader:
        assert [why for block in blocks if (why := walk(reader, block))] == []
        assert reader.executed == len(blocks) > 0
        assert left(name) == {}


@contextmanager
def taken_away(name: str) -> Iterator[None]:
    """Also when a page failed half-way."""
    try:
        yield
    finally:
        docker("compose", "--project-name", name, "down", "--volumes", "--remove-orphans", "--timeout", "10")
        for image in left(name).get("images", []):
            docker("image", "rm", "--force", image)


def left(name: str) -> Mapping[str, list[str]]:
    """What the engine still has of this stack."""
    label = ("--quiet", "--filter", f"label=com.docker.compose.project={name}")
    found = {
        "containers": docker("ps", "--all", *label).split(),
        "volumes": docker("volume", "ls", *label).split(),
        "networks": docker("network", "ls", *label).split(),
        "images": docker("images", "--quiet", "--filter", f"reference=gleaner/*:{name}").split(),
    }
    return {what: names for what, names in found.items() if names}
