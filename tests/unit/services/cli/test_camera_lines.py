from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.camera_lines import camera_lines
from services.sources.cameras.address import Address
from services.sources.config import CameraOptions
from shared.errors import SettingsError

SECRET = "canary3f9a1c"


@pytest.mark.parametrize(
    ("source", "name", "options"),
    [
        ("rtsp://front-door.example:554/live", "front-door", {"url": "rtsp://front-door.example:554/live"}),
        ("rtsp://192.0.2.10/1", "camera-192-0-2-10", {"url": "rtsp://192.0.2.10/1"}),
        ("rtsp://[2001:db8::1]:554/1", "camera-2001-db8-1", {"url": "rtsp://[2001:db8::1]:554/1"}),
        ("rtsp://ana@gate.example/1", "gate", {"url": "rtsp://gate.example/1", "user": "ana"}),
        ("http://defaults/mjpeg", "camera-defaults", {"url": "http://defaults/mjpeg"}),
        ("/dev/video7", "video7", {"url": "/dev/video7"}),
        ("1", "video1", {"url": "/dev/video1"}),
    ],
)
def test_a_name_and_an_address_are_read_from_what_was_typed(source: str, name: str, options: dict[str, str]) -> None:
    (line,) = camera_lines([source])
    assert (line.name, line.options, line.variables) == (name, options, ())


def test_a_file_goes_by_its_name(tmp_path: Path) -> None:
    video = tmp_path / "Ümlaut street (2).MP4"
    video.write_bytes(b"a video")
    (line,) = camera_lines([str(video)])
    assert (line.name, line.options) == ("mlaut-street-2", {"url": str(video)})


@pytest.mark.parametrize(
    ("source", "variables"),
    [
        (f"rtsp://ana:{SECRET}@gate.example/1", ("GATE_PASSWORD",)),
        (f"rtsp://:{SECRET}@gate.example/1", ("GATE_PASSWORD",)),
        (f"http://gate.example/jpg?user=ana&pwd={SECRET}&w=640", ("GATE_PWD",)),
        (f"http://gate.example/jpg?api_key={SECRET}_x=&Token={SECRET}", ("GATE_API_KEY", "GATE_TOKEN")),
        (f"rtsp://gate.example/user=ana_password={SECRET}_channel=1_stream=0.sdp", ("GATE_PASSWORD",)),
    ],
)
def test_a_secret_becomes_a_variable_and_is_nowhere(source: str, variables: tuple[str, ...]) -> None:
    (line,) = camera_lines([source])
    assert line.variables == variables
    assert SECRET not in repr(line)
    assert all(f"${{{name}}}" in str(line.options) for name in variables)


def test_a_variable_that_was_typed_stays_as_it_is() -> None:
    (line,) = camera_lines(["rtsp://ana:${DOOR}@gate.example/1?key=${KEY}"])
    assert line.options == {"url": "rtsp://gate.example/1?key=${KEY}", "user": "ana", "password": "${DOOR}"}
    assert line.variables == ()


def test_cameras_of_one_host_are_told_apart() -> None:
    lines = camera_lines([f"rtsp://ana:{SECRET}@recorder.example/{number}" for number in range(3)])
    assert [line.name for line in lines] == ["recorder", "recorder-2", "recorder-3"]
    assert [line.variables for line in lines] == [
        ("RECORDER_PASSWORD",),
        ("RECORDER_2_PASSWORD",),
        ("RECORDER_3_PASSWORD",),
    ]


@pytest.mark.parametrize("mark", ["/", "?", "#"])
def test_a_password_that_cuts_the_address_short_is_refused_without_being_shown(mark: str) -> None:
    with pytest.raises(SettingsError, match="%2F") as refused:
        camera_lines([f"rtsp://ana:{SECRET}{mark}x@gate.example/1"])
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(("source", "said"), [("nowhere.mp4", "no such file"), (".", "is a folder")])
def test_what_is_no_camera_is_refused(source: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        camera_lines([source])


TEXTS = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"], exclude_characters="@/?#:${}"), min_size=6)


@given(TEXTS, TEXTS)
def test_the_camera_that_is_read_back_has_the_user_and_the_password(user: str, password: str) -> None:
    """What stands in the address percent-decoded, and the variable filled in, open the same camera."""
    typed = CameraOptions(url=f"rtsp://{user}:{password}@gate.example/1")
    (line,) = camera_lines([typed.url])
    options = {**line.options, "password": "filled in"}
    assert line.variables == ("GATE_PASSWORD",)
    assert Address.of(CameraOptions.model_validate(options)).user == Address.of(typed).user
    assert f":{password}@" not in repr(line)
