from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from services.cli.doctoring import versions as looking
from services.cli.doctoring.versions import facts, versions
from shared.settings import Settings


def test_this_installation_is_complete() -> None:
    told = {one.looked_at: one for one in versions(Settings({}))}
    assert told["packages"].state == "ok"
    assert "numpy " in told["packages"].found
    assert "cores" in told["machine"].found


def test_a_missing_package_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(looking, "version", none)
    found = next(one for one in versions(Settings({})) if one.looked_at == "packages")
    assert (found.state, "missing: av, crc32c" in found.found) == ("warning", True)


def test_a_second_opencv_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "version", lambda name: "4.0")
    assert any("overwrites" in one.found for one in versions(Settings({})) if one.state == "warning")


def test_a_containers_memory_is_what_counts(tmp_path: Path) -> None:
    whole = looking._memory_bytes(tmp_path / "none")
    for said, counts in (("max", whole), ("536870912", 536_870_912), (str(10**18), whole)):
        (tmp_path / "memory.max").write_text(f"{said}\n")
        assert looking._memory_bytes(tmp_path / "memory.max") == counts


def test_the_facts_are_text() -> None:
    assert all(isinstance(value, str) and value for value in facts().values())
