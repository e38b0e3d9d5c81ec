"""What the embedded image buffer promises beyond the port."""

import errno
import os
import time
from pathlib import Path

import pytest

from shared.adapters.embedded.file_images import FileImages
from shared.errors import Unavailable


def test_what_a_crash_left_aside_is_never_listed_and_goes_when_it_is_old(tmp_path: Path) -> None:
    images = FileImages(tmp_path)
    images.put("a.jpg", b"x", "image/jpeg")
    old, young = tmp_path / ".aside" / "old", tmp_path / ".aside" / "young"
    for file in (old, young):
        file.write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    again = FileImages(tmp_path)
    assert [info.key for info in again.list()] == ["a.jpg"]
    assert (old.exists(), young.exists()) == (False, True)


def test_nothing_stays_aside_after_a_put(tmp_path: Path) -> None:
    images = FileImages(tmp_path)
    images.put("samples/a.jpg", b"x", "image/jpeg")
    images.put("samples/a.jpg", b"y", "image/jpeg")
    assert list((tmp_path / ".aside").iterdir()) == []


def test_what_lies_aside_cannot_be_named(tmp_path: Path) -> None:
    images = FileImages(tmp_path)
    with pytest.raises(ValueError, match="leading dot"):
        images.get(".aside/x")


def test_a_put_that_fails_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    images = FileImages(tmp_path)
    images.put("a", b"a file where a folder is asked for", "image/jpeg")
    with pytest.raises(Unavailable, match="image buffer"):
        images.put("a/b.jpg", b"x", "image/jpeg")
    assert [info.key for info in images.list()] == ["a"]
    assert list((tmp_path / ".aside").iterdir()) == []


def test_below_a_file_there_is_nothing(tmp_path: Path) -> None:
    images = FileImages(tmp_path)
    images.put("a", b"x", "image/jpeg")
    images.delete("a/b.jpg")
    assert (images.get("a/b.jpg"), images.stat("a/b.jpg")) == (None, None)


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    images = FileImages(tmp_path)
    images.put("a/b.jpg", b"x", "image/jpeg")
    assert (images.get("a"), images.stat("a")) == (None, None)
    images.delete("a")
    assert images.get("a/b.jpg") == b"x"


def test_a_full_disk_is_unavailable_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    images = FileImages(tmp_path)
    images.put("a.jpg", b"old", "image/jpeg")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="no space left"):
            images.put("a.jpg", b"new", "image/jpeg")
    assert images.get("a.jpg") == b"old"
    assert list((tmp_path / ".aside").iterdir()) == []


def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    images = FileImages(tmp_path / "images")
    images.ping()
    (tmp_path / "images" / ".aside").rmdir()
    with pytest.raises(Unavailable):
        images.ping()
