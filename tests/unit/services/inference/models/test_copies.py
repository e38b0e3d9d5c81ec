"""Folders for copies: gone afterwards, also those of processes that were killed; nobody else's are touched."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from services.inference.models import copies
from shared.errors import Unavailable


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_by(pid: int, temporary: Path, age_s: float) -> Path:
    folder = temporary / f"{copies.PREFIX}{pid}-abcdef"
    folder.mkdir()
    (folder / "best.onnx").write_bytes(b"weights")
    then = folder.stat().st_mtime - age_s
    os.utime(folder, (then, then))
    return folder


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_it_is_gone_afterwards(temporary: Path) -> None:
    with copies.folder() as folder:
        (folder / "best.onnx").write_bytes(b"weights")
        assert folder.parent == temporary
    assert list(temporary.iterdir()) == []


def test_what_killed_processes_left_is_deleted(temporary: Path) -> None:
    dead = ended_process()
    old = left_by(dead, temporary, 3600)
    with copies.folder():
        assert not old.exists()
    young = left_by(dead, temporary, 1)
    mine = left_by(os.getpid(), temporary, 3600)
    stranger = temporary / f"{copies.PREFIX}notes-x"
    stranger.mkdir()
    os.utime(stranger, (0, 0))
    with copies.folder():
        assert young.exists()
        assert mine.exists()
        assert stranger.exists()


def test_no_room_is_worth_another_try(temporary: Path) -> None:
    temporary.rmdir()
    with pytest.raises(Unavailable, match="TMPDIR names another one"), copies.folder():
        pass
