import os
import socket
from pathlib import Path

import pytest

from services.cli import surroundings
from tests.unit.shared.models.built_models import detector


def etc(folder: Path, localtime: str | None, timezone: str | None) -> Path:
    """A folder like /etc, with what says the time zone."""
    if localtime is not None:
        (folder / "localtime").symlink_to(localtime)
    if timezone is not None:
        (folder / "timezone").write_text(timezone)
    return folder


@pytest.mark.parametrize(
    ("tz", "localtime", "file", "zone"),
    [
        ("Europe/Madrid", "/usr/share/zoneinfo/Asia/Tokyo", None, "Europe/Madrid"),
        (":Europe/Madrid", None, None, "Europe/Madrid"),
        ("CET-1CEST,M3.5.0", "/usr/share/zoneinfo/Asia/Tokyo", None, "Asia/Tokyo"),
        ("", "../usr/share/zoneinfo/America/Argentina/Ushuaia", None, "America/Argentina/Ushuaia"),
        ("", "/somewhere/else", "Asia/Tokyo\n", "Asia/Tokyo"),
        ("", None, "Asia/Tokyo\n", "Asia/Tokyo"),
        ("", "/usr/share/zoneinfo/Etc/UTC", None, "UTC"),
        ("", None, "Mars/Olympus\n", "UTC"),
        ("/etc/passwd", None, None, "UTC"),
        ("../../etc/passwd", None, None, "UTC"),
        ("", None, None, "UTC"),
    ],
)
def test_the_time_zone_of_this_machine(
    tmp_path: Path, tz: str, localtime: str | None, file: str | None, zone: str
) -> None:
    assert surroundings.timezone({"TZ": tz} if tz else {}, etc(tmp_path, localtime, file)) == zone


def test_a_time_zone_file_of_garbage_is_no_zone(tmp_path: Path) -> None:
    (tmp_path / "timezone").write_bytes(b"\xff\xfe\x00")
    assert surroundings.timezone({}, tmp_path) == "UTC"


def test_the_site_is_the_folder(tmp_path: Path) -> None:
    for name, site in (("north gate", "north gate"), ("x" * 200, "x" * 64), ("a\nb\x1b[31m", "ab[31m")):
        (tmp_path / name).mkdir()
        assert surroundings.site(tmp_path / name) == site
    assert surroundings.site(Path("/")) == "default"


def test_the_newest_model_comes_first(tmp_path: Path) -> None:
    for age_s, name in ((10, "old.onnx"), (0, "new.onnx"), (5, "middle.onnx"), (0, "best.pt")):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (1_000_000 - age_s, 1_000_000 - age_s))
    assert [path.name for path in surroundings.models(tmp_path)] == ["new.onnx", "middle.onnx", "old.onnx"]
    assert [path.name for path in surroundings.checkpoints(tmp_path)] == ["best.pt"]


def test_a_model_says_its_classes_and_size_in_one_line(tmp_path: Path) -> None:
    detector(tmp_path / "best.onnx")
    assert str(surroundings.model_facts(tmp_path / "best.onnx")) == (
        "3 classes (cart, person, crate), input 192 x 192, ultralytics"
    )


def test_names_that_break_lines_break_none() -> None:
    facts = surroundings.ModelFacts(Path("a.onnx"), ("a\nb: c", "\x1b[31m", *"defghijklmnop"), (64, 48), "classify")
    assert str(facts).isprintable()
    assert "and 3 more" in str(facts)


def test_a_taken_port_leads_to_the_next_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fault = surroundings.listening_fault("127.0.0.1", port)
        assert fault is not None
        assert "in use" in str(fault)
        assert surroundings.free_port("127.0.0.1", port) > port
    assert surroundings.free_port("127.0.0.1", port) == port
    assert surroundings.free_port("127.0.0.1", port, taken=(port,)) > port


def test_of_classes_without_names_it_is_said_who_names_them() -> None:
    assert surroundings.named(("cart", "person")) == "2 classes (cart, person)"
    assert "`names:` in a sidecar" in surroundings.named(())
