"""What `sources add` makes of an address: a name, a line without secrets, and the variables that hold them."""

from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.cli.cameras.line import name_of, new_line
from services.sources.cameras.address import Address
from services.sources.config import CameraOptions
from shared.errors import SettingsError

CANARY = "s3cret-canary"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("rtsp://10.0.0.5:554/Streaming/Channels/101?x=1", "10.0.0.5-101"),
        ("rtsp://user:word@front-door.example/live", "front-door.example-live"),
        ("http://yard.example/video.mjpg", "yard.example-video"),
        ("rtsp://yard.example", "yard.example"),
        ("rtsp://yard.example/", "yard.example"),
        ("rtsp://yard.example/user=a_password=b_channel=1", "yard.example"),
        ("rtsp://[fd00::12]:554/live", "fd00-12-live"),
        ("rtsp://[broken/live", "broken-live"),
        ("/dev/video0", "video0"),
        ("clips/belt one.mp4", "belt-one"),
        ("defaults.mp4", "defaults-camera"),
        ("udp://:5000", "camera"),
        ("http://yard.example/" + "a" * 200, ("yard.example-" + "a" * 200)[:64]),
        ("Straße.mp4", "Straße"),
        ("***", "camera"),
    ],
)
def test_a_name_is_made_of_the_address(url: str, name: str) -> None:
    assert name_of(url) == name


@pytest.mark.parametrize(
    ("url", "line", "variables"),
    [
        (
            "rtsp://viewer:pass%40word@door.example/live",
            {"url": "rtsp://door.example/live", "user": "viewer", "password": "${DOOR_PASSWORD}"},
            {"DOOR_PASSWORD": "pass@word"},
        ),
        ("rtsp://viewer@door.example/live", {"url": "rtsp://door.example/live", "user": "viewer"}, {}),
        (
            "rtsp://:word@door.example/live",
            {"url": "rtsp://door.example/live", "user": "", "password": "${DOOR_PASSWORD}"},
            {"DOOR_PASSWORD": "word"},
        ),
        ("http://door.example/?a=1&pwd=x%26y#z", "http://door.example/?a=1&pwd=${DOOR_PWD}#z", {"DOOR_PWD": "x%26y"}),
        (
            "http://door.example/?token=x&api_key=y",
            "http://door.example/?token=${DOOR_TOKEN}&api_key=${DOOR_API_KEY}",
            {"DOOR_TOKEN": "x", "DOOR_API_KEY": "y"},
        ),
        (
            "rtsp://door.example/user=a_password=b_c_channel=1.sdp?real",
            "rtsp://door.example/user=a_password=${DOOR_PASSWORD}_channel=1.sdp?real",
            {"DOOR_PASSWORD": "b_c"},
        ),
        ("rtsp://viewer:${DOOR}@door.example/live", "rtsp://viewer:${DOOR}@door.example/live", {}),
        ("http://door.example/?pwd=${DOOR}", "http://door.example/?pwd=${DOOR}", {}),
        ("http://door.example/?monkeys=3", "http://door.example/?monkeys=${DOOR_MONKEYS}", {"DOOR_MONKEYS": "3"}),
        ("/dev/video0", "/dev/video0", {}),
    ],
)
def test_secrets_go_into_variables(url: str, line: object, variables: dict[str, str]) -> None:
    made = new_line(url, "door")
    assert (made.value, made.variables) == (line, variables)
    assert yaml.safe_load(str(made)) == {"door": line}
    assert "\n" not in str(made)


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://viewer:{CANARY}@door.example/live",
        f"rtsp://viewer:{CANARY}@{CANARY}@door.example/live",
        f"http://door.example/x?password={CANARY}",
        f"http://door.example/x?a=b&auth_token={CANARY}",
        f"rtsp://door.example/user=admin_password={CANARY}_channel=1",
        f"rtsp://:{CANARY}@door.example/live",
    ],
)
def test_no_secret_is_in_the_line_nor_in_the_name(url: str) -> None:
    made = new_line(url)
    assert CANARY not in f"{made} {made.name} {made!r}"
    assert any(CANARY in value for value in made.variables.values())


@pytest.mark.parametrize(
    "url", [f"rtsp://admin:{CANARY}/x@door.example/live", f"rtsp://admin:12/{CANARY}@door.example/"]
)
def test_a_password_that_ends_the_host_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="--password-file") as refused:
        new_line(url)
    assert CANARY not in str(refused.value)


def test_what_is_said_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match="two passwords"):
        new_line("rtsp://viewer:word@door.example/", password_file="secret.txt")
    with pytest.raises(SettingsError, match="two user names"):
        new_line("rtsp://viewer:word@door.example/", user="viewer")
    with pytest.raises(SettingsError, match="needs a user name"):
        new_line("rtsp://door.example/", password_file="secret.txt")
    with pytest.raises(SettingsError, match="another --name"):
        new_line("rtsp://door.example/", "defaults")


def test_options_make_a_section() -> None:
    made = new_line("rtsp://door.example/", "door", user="viewer", password_file="secret.txt", fps=2.0)
    assert str(made) == "door: {url: 'rtsp://door.example/', user: viewer, password_file: secret.txt, fps: 2}"
    assert new_line("rtsp://door.example/", "door", fps=0.5).value == {"url": "rtsp://door.example/", "fps": 0.5}


def test_a_variable_that_the_file_names_already_is_not_used_again() -> None:
    made = new_line(
        "rtsp://viewer:word@door.example/", "front door", taken="front-door: {password: '${FRONT_DOOR_PASSWORD}'}"
    )
    assert made.variables == {"FRONT_DOOR_PASSWORD_2": "word"}


def test_variables_have_names_that_a_shell_takes() -> None:
    assert list(new_line("rtsp://a:b@10.0.0.5/").variables) == ["CAMERA_10_0_0_5_PASSWORD"]
    assert list(new_line("rtsp://a:b@h/", "门").variables) == ["PASSWORD"]


SAID = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="$"), min_size=1, max_size=20)


@given(SAID, SAID)
def test_the_line_opens_the_camera_that_the_address_opened(user: str, password: str) -> None:
    typed = CameraOptions(url=f"rtsp://{quote(user, safe='')}:{quote(password, safe='')}@door.example/live?channel=1")
    made = new_line(typed.url, "door")
    section = yaml.safe_load(str(made))["door"]
    (variable,) = made.variables
    section["password"] = section["password"].replace(f"${{{variable}}}", made.variables[variable])
    assert Address.of(CameraOptions.model_validate(section)) == Address.of(typed)
