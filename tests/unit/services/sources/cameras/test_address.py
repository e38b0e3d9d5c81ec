from pathlib import Path

import pytest

from services.sources.cameras.address import Address
from services.sources.config import CameraOptions
from shared.errors import SettingsError

CANARY = "c4n@ry/:#?%"


def address(url: str, **more: object) -> Address:
    return Address.of(CameraOptions.model_validate({"url": url, **more}))


@pytest.mark.parametrize(
    ("url", "kind", "port"),
    [
        ("rtsp://door.example/stream", "rtsp", 554),
        ("RTSPS://door.example:8322/stream", "rtsp", 8322),
        ("http://door.example/video.mjpg", "http", 80),
        ("https://[2001:db8::7]:8443/live.m3u8", "http", 8443),
        ("rtmp://door.example/live", "rtmp", 1935),
        ("udp://@239.0.0.1:5000", "udp", 5000),
        ("srt://door.example:9000", "srt", 9000),
        ("/dev/video0", "device", 0),
    ],
)
def test_what_an_address_means(url: str, kind: str, port: int) -> None:
    assert (address(url).kind, address(url).port) == (kind, port)


def test_a_file_is_absolute_and_its_name_no_scheme(tmp_path: Path) -> None:
    file = tmp_path / "gate: night.mp4"
    file.touch()
    assert address(str(file)).with_credentials() == f"file:{file}"
    assert address(f"file://{str(file).replace(' ', '%20')}").kind == "file"


def test_user_and_password_are_percent_encoded() -> None:
    one = address("rtsp://door.example:8554/a?b=1", user="ad min", password=CANARY)
    assert one.with_credentials() == "rtsp://ad%20min:c4n%40ry%2F%3A%23%3F%25@door.example:8554/a?b=1"


def test_those_in_the_address_are_taken_and_the_options_win() -> None:
    url = "http://admin:s%40me@door.example/v"
    assert address(url).with_credentials() == url
    assert address(url, password="other").with_credentials() == "http://admin:other@door.example/v"
    assert address("http://admin@door.example/v").with_credentials() == "http://admin@door.example/v"


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:canary@door.example/stream",
        "rtsp://admin:can@ary@door.example/stream",
        "http://door.example/snapshot.cgi?user=admin&pwd=canary",
        "http://door.example/snapshot.cgi?loginuse=a&loginpas=b&password=canary&x=1",
        "http://door.example/videostream.cgi?loginuse=admin&loginpas=canary",
        "http://door.example/snapshot?usr=admin&pw=canary",
        "http://door.example/v?token=canary",
        "rtsp://door.example/user=admin_password=canary_channel=1_stream=0.sdp",
    ],
)
def test_what_is_shown_holds_no_secret(url: str) -> None:
    one = address(url)
    assert "canary" not in one.shown
    assert "ary" not in one.shown
    assert "canary" not in repr(one)
    assert "door.example" in one.shown


def test_a_password_from_the_options_is_never_shown() -> None:
    one = address("rtsp://door.example/stream", user="admin", password=CANARY)
    assert one.shown == "rtsp://door.example/stream"
    assert CANARY not in repr(one)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rstp://door.example/a", "did you mean 'rtsp'"),
        ("ftp://door.example/a", "ftp://"),
        ("rtsp:///a", "names no host"),
        ("rtsp://admin:se/cret@door.example/a", "goes into `user` and `password`"),
        ("rtsp://door.example:99999/a", "names no host"),
        ("door.mp4", "neither a file nor an address"),
        ("/nowhere/at/all.mp4", "neither a file nor an address"),
    ],
)
def test_what_is_no_address_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        address(url)
    assert said in str(refused.value)
    assert "cret" not in str(refused.value)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is a folder"):
        address(str(tmp_path))
