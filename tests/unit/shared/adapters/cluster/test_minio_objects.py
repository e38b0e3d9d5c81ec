"""What needs no server: which endpoints and places are taken, and that a port where nothing listens is soon given up."""

import socket
import time

import pytest

from shared.adapters.cluster.minio_objects import MinioObjects
from shared.errors import SettingsError, Unavailable


@pytest.fixture
def objects() -> MinioObjects:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return MinioObjects(f"http://127.0.0.1:{port}", "key", "secret")


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/./b", "a\n", "a" * 256])
def test_unsafe_keys_are_refused(objects: MinioObjects, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        objects.get("cameras", key, 1_000)


@pytest.mark.parametrize("endpoint", ["localhost:9000", "ftp://host", "http://", "http://host/bucket"])
def test_an_endpoint_is_a_scheme_and_a_host(endpoint: str) -> None:
    with pytest.raises(SettingsError, match="object store's endpoint must be http"):
        MinioObjects(endpoint, "key", "secret")


def test_a_refused_port_is_soon_given_up(objects: MinioObjects) -> None:
    started_s = time.monotonic()
    for ask in (lambda: objects.get("cameras", "a.jpg", 1_000), lambda: objects.size("cameras", "a.jpg")):
        with pytest.raises(Unavailable, match="object store is unavailable"):
            ask()
    assert time.monotonic() - started_s < 10.0
