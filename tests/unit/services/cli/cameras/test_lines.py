from pathlib import Path

import pytest

from services.cli.cameras.lines import camera_lines
from shared.errors import SettingsError

SECRET = "canary3f9a1c"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("rtsp://front-door.example:554/live", "front-door.example-live: 'rtsp://front-door.example:554/live'"),
        ("/dev/video7", "video7: /dev/video7"),
        ("1", "video1: /dev/video1"),
    ],
)
def test_a_name_and_an_address_are_read_from_what_was_typed(source: str, line: str) -> None:
    assert [str(one) for one in camera_lines([source])] == [line]


def test_a_file_goes_by_its_name(tmp_path: Path) -> None:
    video = tmp_path / "street (2).mp4"
    video.write_bytes(b"a video")
    assert [(one.name, one.value) for one in camera_lines([str(video)])] == [("street-2", str(video))]


@pytest.mark.parametrize(
    "source",
    [
        f"rtsp://ana:{SECRET}@gate.example/1",
        f"http://gate.example/jpg?user=ana&pwd={SECRET}&w=640",
        f"http://gate.example/jpg?api_key={SECRET}_x=&Token={SECRET}",
        f"rtsp://gate.example/user=ana_password={SECRET}_channel=1_stream=0.sdp",
    ],
)
def test_a_secret_becomes_a_variable_and_is_nowhere(source: str) -> None:
    (line,) = camera_lines([source])
    assert line.variables
    assert SECRET not in f"{line} {line!r} {line.name}"
    assert all(f"${{{name}}}" in str(line) for name in line.variables)


def test_cameras_of_one_address_share_neither_name_nor_variable() -> None:
    lines = camera_lines([f"rtsp://ana:{SECRET}{number}@recorder.example/live" for number in range(3)])
    assert [line.name for line in lines] == [f"recorder.example-live{end}" for end in ("", "-2", "-3")]
    variables = [name for line in lines for name in line.variables]
    assert len(set(variables)) == 3


def test_names_that_differ_in_a_mark_alone_share_no_variable() -> None:
    lines = camera_lines([f"rtsp://ana:{SECRET}@gate{mark}a.example/1" for mark in (".", "-")])
    assert len({name for line in lines for name in line.variables}) == 2


@pytest.mark.parametrize("mark", ["/", "?", "#"])
def test_a_password_that_cuts_the_address_short_is_refused_without_being_shown(mark: str) -> None:
    with pytest.raises(SettingsError) as refused:
        camera_lines([f"rtsp://ana:{SECRET}{mark}x@gate.example/1"])
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(("source", "said"), [("nowhere.mp4", "no such file"), (".", "is a folder")])
def test_what_is_no_camera_is_refused(source: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        camera_lines([source])
