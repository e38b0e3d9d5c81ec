"""What needs no server: which endpoints and keys are taken, and that a port where nothing listens is soon given up."""

import socket
import time

import pytest

from shared.adapters.cluster.minio_images import MinioImages
from shared.errors import SettingsError, Unavailable


@pytest.fixture
def images() -> MinioImages:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return MinioImages(f"http://127.0.0.1:{port}", "key", "secret", "bucket")


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/./b", ".hidden", "a b", "köln.jpg", "a\n", "a" * 901]
)
def test_unsafe_keys_are_refused(images: MinioImages, key: str) -> None:
    with pytest.raises(ValueError, match="image key"):
        images.get(key)


@pytest.mark.parametrize("endpoint", ["localhost:9000", "ftp://host", "http://", "http://host/bucket"])
def test_an_endpoint_is_a_scheme_and_a_host(endpoint: str) -> None:
    with pytest.raises(SettingsError, match="http"):
        MinioImages(endpoint, "key", "secret", "bucket")


def test_a_refused_port_is_soon_given_up(images: MinioImages) -> None:
    started_s = time.monotonic()
    with pytest.raises(Unavailable, match="image buffer is unavailable"):
        images.put("a.jpg", b"", "image/jpeg")
    assert time.monotonic() - started_s < 10.0
