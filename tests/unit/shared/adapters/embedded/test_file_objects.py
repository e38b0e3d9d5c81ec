"""Nothing but regular files below a bucket's own folder is read, whatever lies there."""

import os
from pathlib import Path

import pytest

from shared.adapters.embedded.file_objects import FileObjects

MOST = 1_000


@pytest.fixture
def objects(tmp_path: Path) -> FileObjects:
    (tmp_path / "secret.jpg").write_bytes(b"not for you")
    (tmp_path / "objects" / "cameras").mkdir(parents=True)
    return FileObjects(tmp_path / "objects")


def test_a_link_that_leads_out_of_the_bucket_leads_nowhere(objects: FileObjects, tmp_path: Path) -> None:
    cameras = tmp_path / "objects" / "cameras"
    (cameras / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (cameras / "above").symlink_to(tmp_path)
    (cameras / "round").symlink_to(cameras / "round")
    for key in ("link.jpg", "above/secret.jpg", "round", "round/secret.jpg"):
        assert objects.get("cameras", key, MOST) is None, key
        assert objects.size("cameras", key) is None, key


def test_what_is_no_file_is_no_object_and_hangs_nobody(objects: FileObjects, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "objects" / "cameras" / "pipe")
    (tmp_path / "objects" / "cameras" / "folder").mkdir()
    assert objects.get("cameras", "pipe", MOST) is None
    assert objects.get("cameras", "folder", MOST) is None
    assert objects.get("cameras", "folder/deeper", MOST) is None


def test_the_buckets_folder_may_lie_on_another_disk(objects: FileObjects, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "1.jpg").write_bytes(b"pixels")
    (tmp_path / "objects" / "archive").symlink_to(tmp_path / "disk")
    assert objects.get("archive", "1.jpg", MOST) == b"pixels"


def test_nothing_is_left_beside_what_was_put(objects: FileObjects, tmp_path: Path) -> None:
    objects.put("cameras", "a/b.jpg", b"pixels", "image/jpeg")
    files = [path.relative_to(tmp_path / "objects") for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    assert files == [Path("cameras/a/b.jpg")]
