import ctypes
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.cli.doctoring import disk as looking
from services.cli.doctoring.disk import disk
from services.cli.doctoring.finding import Finding
from shared.settings import Settings

ROOT = Path(__file__).parents[5]
LIBC = ctypes.CDLL(None)
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def settings(folder: Path) -> Settings:
    data, dataset = folder / "data", folder / "dataset"
    backend = {"type": "embedded", "folder": str(data)}
    return Settings({"backend": backend, "destinations": [{"type": "dataset", "folder": str(dataset)}]})


def looked(folder: Path) -> dict[str, Finding]:
    """The first finding about each place: whether it can be written."""
    return {one.looked_at: one for one in reversed(list(disk(settings(folder))))}


def test_it_says_what_is_free_and_makes_nothing(tmp_path: Path) -> None:
    found = looked(tmp_path)
    assert set(found) == {"data folder", "dataset dataset"}
    assert "not there yet" in found["data folder"].found
    assert "recent frames" in found["data folder"].found
    assert list(tmp_path.iterdir()) == []


def test_what_the_folder_holds_is_counted(tmp_path: Path) -> None:
    (tmp_path / "dataset" / "images").mkdir(parents=True)
    (tmp_path / "dataset" / "images" / "a.jpg").write_bytes(bytes(3_000_000))
    assert "holds 3.0 MB" in looked(tmp_path)["dataset dataset"].found


def test_a_dataset_of_millions_is_not_counted_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "COUNTED_S", -1.0)
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "a.jpg").write_bytes(bytes(3_000_000))
    assert "holds 3.0 MB or more" in looked(tmp_path)["dataset dataset"].found


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    found = looked(tmp_path)["data folder"]
    assert (found.state, found.found.endswith("is a file")) == ("wrong", True)


def test_a_disk_smaller_than_what_may_come_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LEAST_FREE_BYTES", 10**15)
    assert looked(tmp_path)["dataset dataset"].state == "wrong"
    monkeypatch.setattr(looking, "LEAST_FREE_BYTES", 0)
    monkeypatch.setattr("services.cli.doctoring.places.retained_bytes", lambda: 10**15)
    found = looked(tmp_path)["data folder"]
    assert (found.state, "more" in found.found) == ("warning", True)
    assert looked(tmp_path)["dataset dataset"].state == "ok"


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own, in memory; skipped where that is not allowed."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_wrong_and_leaves_nothing(tmp_path: Path) -> None:
    with mounted(tmp_path / "full", "size=256k") as folder:
        found = looked(folder)["data folder"]
        assert found.state == "wrong"
        assert "No space left" in found.found
        assert "backend.folder" in found.todo
        assert list(folder.iterdir()) == []


def test_a_disk_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    with mounted(tmp_path / "still", "size=8m,ro") as folder:
        found = looked(folder)["dataset dataset"]
        assert (found.state, "Read-only" in found.found) == ("wrong", True)


def test_a_data_folder_in_memory_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LEAST_FREE_BYTES", 0)
    with mounted(tmp_path / "memory", "size=8m") as folder:
        said = [one.found for one in disk(settings(folder)) if one.looked_at == "data folder"]
        assert any("gone after a restart" in one for one in said)


def test_no_permission_is_wrong(tmp_path: Path) -> None:
    """In a process that may not pass over permissions, as root may."""
    (tmp_path / "dataset").mkdir(mode=0o555)
    code = (
        "import json, sys; from pathlib import Path\n"
        "from tests.unit.services.cli.doctoring.test_disk import looked\n"
        "print(json.dumps({name: one.found for name, one in looked(Path(sys.argv[1])).items()}))"
    )

    def drop_rights() -> None:
        for capability in CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH:
            LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # who is not root has none of them anyway

    command = [sys.executable, "-c", code, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, preexec_fn=drop_rights)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert "Permission denied" in told["dataset dataset"]
    assert "Permission denied" not in told["data folder"]
