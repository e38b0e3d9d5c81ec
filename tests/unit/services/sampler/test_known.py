"""Known images: which files are looked at, and what comes of them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.sampler import known
from services.sampler.known import Learned, image_files, learn
from services.sampler.looking import look
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.ports import Near, Undecided
from shared.streams import keys


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        yield state


def write(file: Path, seed: int) -> Path:
    """A picture of its own for each seed; the same in every format."""
    file.parent.mkdir(parents=True, exist_ok=True)
    patches = np.random.default_rng(seed).integers(0, 255, (5, 8, 3), dtype=np.uint8)
    assert cv2.imwrite(str(file), cv2.resize(patches, (160, 90)))
    return file


def progress(_: int) -> None:
    """Nobody looks."""


def test_folders_are_entered_and_what_is_no_image_is_left_alone(tmp_path: Path) -> None:
    files = [write(tmp_path / name, 0) for name in ("train/images/b.JPG", "train/images/a.png", "valid/images/c.tiff")]
    (tmp_path / "train/labels").mkdir()
    (tmp_path / "train/labels/a.txt").write_text("0 0.5 0.5 1 1")
    (tmp_path / "_annotations.coco.json").write_text("{}")
    assert image_files([tmp_path]) == [files[1], files[0], files[2]]
    assert image_files([files[2], tmp_path, tmp_path / "train"]) == [files[2], files[1], files[0]]


def test_images_are_learned_once_whatever_their_format(tmp_path: Path, state: SqliteState) -> None:
    first = [write(tmp_path / f"{n}.png", n) for n in range(3)]
    assert learn(state, "default", first, progress) == Learned(3, 3, ())
    assert learn(state, "default", first, progress) == Learned(3, 0, ())
    again = [write(tmp_path / f"again.{form}", 1) for form in ("bmp", "tif", "webp")]
    assert learn(state, "other", again, progress).images == 3
    assert state.known(keys.known_key("default")) == 3


@pytest.mark.parametrize("form", ["jpg", "bmp", "tiff", "webp"])
def test_a_frame_that_resembles_a_known_image_is_a_near_duplicate(
    tmp_path: Path, state: SqliteState, form: str
) -> None:
    learn(state, "default", [write(tmp_path / f"image.{form}", 1)], progress)
    frame = look(write(tmp_path / "frame.jpg", 1).read_bytes())
    near = Near("ring:{default}:door", frame.phash + bytes(8), 8, 64, 3600, 60, True, keys.known_key("default"))
    decided = state.decide([Undecided("dec:{default}:1", b"", 60, near=near)])[0]
    assert decided.known
    assert decided.distance is not None


def test_what_cannot_be_read_is_named_and_holds_up_nobody(tmp_path: Path, state: SqliteState) -> None:
    whole = write(tmp_path / "whole.jpg", 1)
    (tmp_path / "cut.jpg").write_bytes(whole.read_bytes()[:500])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.bmp").write_text("no image")
    (tmp_path / "nothing.tif").touch()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    learned = learn(state, "default", image_files([tmp_path]), progress)
    assert (learned.images, learned.new) == (1, 1)
    assert [one.file.name for one in learned.unreadable] == [
        "cut.jpg",
        "empty.png",
        "gone.png",
        "nothing.tif",
        "text.bmp",
    ]
    said = [str(one) for one in learned.unreadable]
    assert "truncated" in said[0]
    assert said[2].endswith("gone.png: No such file or directory")


def test_progress_is_told_a_few_images_at_a_time(
    tmp_path: Path, state: SqliteState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "TOGETHER", 2)
    done: list[int] = []
    learn(state, "default", [write(tmp_path / f"{n}.png", n) for n in range(5)], done.append)
    assert done == [2, 2, 1]
