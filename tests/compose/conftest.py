"""One stack for all tests with an engine: built and started from nothing, away with everything at the end."""

import time
from collections.abc import Iterator

import pytest

from tests.compose.engine import images
from tests.compose.project import Project

__all__ = ["images"]


@pytest.fixture(scope="session")
def stack(
    images: dict[str, str], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Project]:
    """docker-compose.yml under a name, ports and folders of its own, up."""
    project = Project(tmp_path_factory.mktemp("compose"), images)
    failed_before = request.session.testsfailed
    try:
        with project.timed("build"):
            project.compose("build")
        project.up_at_s = time.monotonic()
        with project.timed("up"):
            project.compose("up", "--detach")
        yield project
    finally:
        if request.session.testsfailed > failed_before:
            print(project.compose("logs", "--no-color", "--tail", "60"))
        project.remove()
