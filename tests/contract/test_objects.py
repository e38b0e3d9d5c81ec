"""What `shared.ports.objects` promises, on every store; every test has a bucket of its own."""

import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.cluster.minio_objects import MinioObjects
from shared.adapters.embedded.file_objects import FileObjects
from shared.errors import InvalidMessage, Unavailable
from shared.ports import Objects
from tests.contract.conftest import BACKENDS

BUCKET = f"test-{uuid.uuid4().hex[:12]}"
ELSEWHERE = f"test-{uuid.uuid4().hex[:12]}"
KEY = "yard/2026-11-23T06:15:00.250Z/frame 17 (copy)+ü.jpg"
JPEG = "image/jpeg"
MOST = 5_000_000


@pytest.fixture(params=BACKENDS)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    with closing(_opened(request, tmp_path)) as opened:
        opened.put(BUCKET, "something", b"so that there is a bucket", "text/plain")
        yield opened


def _opened(request: pytest.FixtureRequest, folder: Path) -> Objects:
    if request.param == "embedded":
        return FileObjects(folder / "objects")
    minio = request.getfixturevalue("servers").minio
    return MinioObjects(minio.endpoint, minio.access_key, minio.secret_key)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8pixels", os.urandom(3_000_000)], ids=["empty", "small", "large"])
def test_the_bytes_come_back_whole(objects: Objects, data: bytes) -> None:
    objects.put(BUCKET, KEY, data, JPEG)
    assert objects.get(BUCKET, KEY, MOST) == data
    assert objects.size(BUCKET, KEY) == len(data)


def test_there_are_none_where_nobody_put_any(objects: Objects) -> None:
    key = uuid.uuid4().hex
    assert objects.get(BUCKET, key, MOST) is None
    assert objects.get(BUCKET, f"{key}/below", MOST) is None
    assert objects.size(BUCKET, key) is None


def test_the_same_key_again_replaces(objects: Objects) -> None:
    objects.put(BUCKET, KEY, b"a long first version", JPEG)
    objects.put(BUCKET, KEY, b"second", JPEG)
    assert objects.get(BUCKET, KEY, MOST) == b"second"


def test_an_object_may_be_as_large_as_it_is_said_and_no_larger(objects: Objects) -> None:
    objects.put(BUCKET, KEY, bytes(100_000), JPEG)
    assert objects.get(BUCKET, KEY, 100_000) == bytes(100_000)
    with pytest.raises(InvalidMessage, match=f"s3://{BUCKET}/yard/.* has more than 99,999 bytes"):
        objects.get(BUCKET, KEY, 99_999)
    assert objects.get(BUCKET, KEY, MOST) == bytes(100_000), "expected the connection to be of use after a refusal"


def test_a_bucket_that_is_not_there_is_no_answer(objects: Objects) -> None:
    with pytest.raises(Unavailable, match="object store is unavailable"):
        objects.get(ELSEWHERE, KEY, MOST)


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/./b", "a\n", "a\\b", "a\0", "x" * 256, "x/" * 600 + "x"]
)
def test_a_key_that_could_lead_out_of_its_bucket_is_refused(objects: Objects, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        objects.put(BUCKET, key, b"x", JPEG)
    with pytest.raises(ValueError, match="key"):
        objects.get(BUCKET, key, MOST)
    with pytest.raises(ValueError, match="key"):
        objects.size(BUCKET, key)


@pytest.mark.parametrize("bucket", ["", "a", "..", ".aside", "a/b", "UPPER", "a b", "b..b", "x" * 64])
def test_a_bucket_that_could_be_something_else_is_refused(objects: Objects, bucket: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        objects.get(bucket, KEY, MOST)


def test_threads_may_share_it(objects: Objects) -> None:
    for number in range(16):
        objects.put(BUCKET, f"n/{number}", bytes([number]) * 200_000, JPEG)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: objects.get(BUCKET, f"n/{number % 16}", MOST), range(64)))
    assert found == [bytes([number % 16]) * 200_000 for number in range(64)]
