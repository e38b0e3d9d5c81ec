"""What `shared.ports.images` promises, on every image buffer."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.ports import Images
from tests.contract.conftest import ImagesBackend

KEY = "samples/default/2026-11-22/0a1b.jpg"
JPEG = "image/jpeg"


@pytest.mark.parametrize("data", [b"", b"\xff\xd8pixels", os.urandom(3_000_000)], ids=["empty", "small", "large"])
def test_the_bytes_come_back_whole(images: Images, data: bytes) -> None:
    images.put(KEY, data, JPEG)
    assert images.get(KEY) == data


def test_there_are_none_where_nobody_put_any(images: Images) -> None:
    assert images.get(KEY) is None
    assert images.stat(KEY) is None
    assert list(images.list()) == []


def test_the_same_key_again_replaces(images: Images) -> None:
    images.put(KEY, b"a long first version", JPEG)
    images.put(KEY, b"second", JPEG)
    assert images.get(KEY) == b"second"
    assert [info.size for info in images.list()] == [6]


def test_the_same_bytes_again_change_nothing(images: Images) -> None:
    images.put(KEY, b"same", JPEG)
    images.put(KEY, b"same", JPEG)
    assert images.get(KEY) == b"same"
    assert [info.key for info in images.list()] == [KEY]


def test_stat_says_what_is_there(images: Images) -> None:
    before_ms = time.time() * 1000
    images.put(KEY, b"12345", JPEG)
    info = images.stat(KEY)
    assert info is not None
    assert (info.key, info.size) == (KEY, 5)
    assert before_ms - 5_000 < info.modified_ms < time.time() * 1000 + 5_000


def test_deleted_is_gone_and_again_is_nothing(images: Images) -> None:
    images.put(KEY, b"x", JPEG)
    images.delete(KEY)
    assert (images.get(KEY), images.stat(KEY), list(images.list())) == (None, None, [])
    images.delete(KEY)
    images.delete("never/was.jpg")


def test_a_list_is_in_the_order_of_the_keys(images: Images) -> None:
    keys = ["b/2.jpg", "a.jpg", "a/z.jpg", "a-b.jpg", "b/1/9.jpg", "b/10.jpg", "B.jpg", "a/B.jpg"]
    for key in keys:
        images.put(key, key.encode(), JPEG)
    assert [info.key for info in images.list()] == sorted(keys)
    assert all(info.size == len(info.key) for info in images.list())


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("a/", ["a/1.jpg", "a/b/2.jpg"]),
        ("a", ["a/1.jpg", "a/b/2.jpg", "ab/3.jpg"]),
        ("a/b", ["a/b/2.jpg"]),
        ("a/1.jpg", ["a/1.jpg"]),
        ("nothing/", []),
    ],
)
def test_a_list_has_every_key_that_begins_so(images: Images, prefix: str, expected: list[str]) -> None:
    for key in ("a/1.jpg", "a/b/2.jpg", "ab/3.jpg", "c.jpg"):
        images.put(key, b"x", JPEG)
    assert [info.key for info in images.list(prefix)] == expected


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a b", "ä", "a\n", "a\\b", "a\0", "x" * 2000]
)
def test_an_unsafe_key_is_refused(images: Images, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        images.put(key, b"x", JPEG)
    with pytest.raises(ValueError, match="key"):
        images.get(key)
    assert list(images.list()) == []


def test_prefixes_never_meet(images_backend: ImagesBackend) -> None:
    one, other = images_backend.open("a/"), images_backend.open("b/")
    one.put(KEY, b"one", JPEG)
    assert (other.get(KEY), list(other.list())) == (None, [])
    other.delete(KEY)
    assert one.get(KEY) == b"one"


def test_two_buffers_on_one_place_see_each_other(images_backend: ImagesBackend) -> None:
    images_backend.open("a/").put(KEY, b"x", JPEG)
    assert images_backend.open("a/").get(KEY) == b"x"


def test_nobody_ever_reads_half_an_image(images: Images) -> None:
    versions = [bytes([n]) * 300_000 for n in range(8)]
    images.put(KEY, versions[0], JPEG)
    done = threading.Event()

    def read() -> set[bytes | None]:
        seen: set[bytes | None] = set()
        while not done.is_set():
            seen.add(images.get(KEY))
        return seen

    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(read)
        for version in versions * 3:
            images.put(KEY, version, JPEG)
        done.set()
        assert reading.result(30) <= set(versions)


def test_ping_is_answered(images: Images) -> None:
    images.ping()


def test_a_buffer_that_is_there_has_no_faults(images: Images) -> None:
    images.put(KEY, b"bytes", JPEG)
    assert list(images.check()) == []
