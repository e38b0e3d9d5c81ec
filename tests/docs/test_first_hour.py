"""Every command of docs/first-hour, typed as it stands there: a desk of its own for each page, in a fresh copy of the tree.

What needs a Docker engine is in test_containers.py. What two pages leave behind is looked at, too: frames that all clients
put on the same partition, and nothing.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.cameras import World as Cameras
from tests.docs import arrivals, pages
from tests.docs.desk import Addresses, desk, walk
from tests.docs.pages import Page
from tests.docs.simulated import CAMERAS, simulated
from tests.docs.walking import Reader
from tests.servers import Servers

PAGES = {page.name: page for page in pages.pages()}
ALONE = [
    pytest.param(name, marks=pytest.mark.servers if name == "scale.md" else ())
    for name in sorted(PAGES.keys() - {"publish.md", "remove.md"})
]
CLIENTS = 4
"""kcat, Python, Go and JavaScript."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def addresses(request: pytest.FixtureRequest) -> Iterator[Addresses]:
    with ExitStack() as stack:

        @cache
        def servers() -> Servers:
            found: Servers = request.getfixturevalue("own_servers")
            return found

        @cache
        def cameras() -> Cameras:
            return stack.enter_context(simulated())

        at_cameras = {
            address: lambda name=spec.name: f"127.0.0.1:{cameras()[name].port}"
            for address, (spec, _) in CAMERAS.items()
        }
        yield Addresses(
            {
                "localhost:9092": lambda: servers().kafka.address,
                "redis://localhost:6379/0": lambda: servers().redis.url,
                "http://localhost:9000": lambda: servers().minio.endpoint,
                "MINIO-USER": lambda: servers().minio.access_key,
                "MINIO-PASSWORD": lambda: servers().minio.secret_key,
                **at_cameras,
            }
        )


@pytest.mark.parametrize("name", ALONE)
def test_a_page_does_what_it_says(name: str, tmp_path: Path, addresses: Addresses) -> None:
    with desk(tmp_path, addresses) as reader:
        absent = follow(reader, PAGES[name])
    _say(absent)


@pytest.mark.servers
def test_what_any_client_publishes_is_one_camera(tmp_path: Path, own_servers: Servers, addresses: Addresses) -> None:
    world = arrivals.world_on(own_servers, tmp_path / "world")
    arrivals.make_streams(world)
    with desk(tmp_path, addresses) as reader:
        absent = follow(reader, PAGES["publish.md"])
        arrivals.check(world, (reader.folder / "picture.jpg").read_bytes(), CLIENTS - len(absent))
    _say(absent)


def test_nothing_is_left_when_everything_is_taken_away(tmp_path: Path, addresses: Addresses) -> None:
    with desk(tmp_path, addresses) as reader:
        before = set(reader.folder.rglob("*"))
        absent = follow(reader, PAGES["remove.md"])
        assert set(reader.folder.rglob("*")) == before
    _say(absent)


def test_every_block_is_executed_here_or_with_an_engine() -> None:
    assert {page.name: page.fences for page in PAGES.values()} == {
        page.name: len(page.blocks) + page.shown for page in PAGES.values()
    }


def follow(reader: Reader, page: Page) -> list[str]:
    """The page from its first block to its last, but for what needs an engine. Gives what could not be executed, and why."""
    ours = [block for block in page.blocks if not block.needs_engine]
    absent = [why for block in ours if (why := walk(reader, block))]
    assert ours, f"{page.name} has nothing to execute"
    assert reader.executed == len(ours) - len(absent)
    return absent


def _say(absent: list[str]) -> None:
    if absent:
        pytest.skip(f"not executed: {'; '.join(absent)}")
