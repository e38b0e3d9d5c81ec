"""The cameras in the settings: one line each, with defaults; what is wrong is said with its place, and no password with it."""

from pathlib import Path

import pytest

from services.sources.config import CameraOptions, Sources, SourcesConfig
from shared.errors import SettingsError
from shared.settings import load, masked

CANARY = "c4nary-of-a-camera"


def read(tmp_path: Path, text: str, **env: str) -> dict[str, CameraOptions]:
    (tmp_path / "gleaner.yaml").write_text(text, encoding="utf-8")
    return load(tmp_path / "gleaner.yaml", env=env).read(SourcesConfig).sources.cameras


def test_a_camera_is_one_line_or_a_section(tmp_path: Path) -> None:
    cameras = read(tmp_path, "sources: {door: 'rtsp://192.0.2.1/a', yard: {url: /dev/video0, fps: 5}, 3: clip.mp4}")
    assert {name: (one.url, one.fps) for name, one in cameras.items()} == {
        "door": ("rtsp://192.0.2.1/a", 1.0),
        "yard": ("/dev/video0", 5.0),
        "3": ("clip.mp4", 1.0),
    }


def test_defaults_fill_in_what_a_camera_leaves_out(tmp_path: Path) -> None:
    cameras = read(tmp_path, "sources: {yard: {url: b, fps: 5}, door: a, defaults: {fps: 0.5, rotate: 90}}")
    assert [(name, one.fps, one.rotate) for name, one in cameras.items()] == [("yard", 5.0, 90), ("door", 0.5, 90)]


@pytest.mark.parametrize("text", ["", "sources:\n", "sources:\n  defaults:\n", "sources: {}"])
def test_no_camera_yet(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{door: {url: a, fps: 0}}", r"sources\.door\.fps: .*greater than 0, got 0"),
        ("{door: 5}", r"sources\.door: "),
        ("{door: }", r"sources\.door: "),
        ("[rtsp://a]", r"sources: .*got a list"),
        ("{defaults: {fpss: 1}}", r"sources\.defaults\.fpss.*did you mean 'fps'"),
        ("{door: {urll: a}}", r"unknown setting 'sources\.door\.urll'; did you mean 'url'"),
        ("{door: {fps: 1}}", r"sources\.door\.url: Field required"),
        ("{'': a}", "source id has 0 bytes"),
        ("{door: {url: a, rotate: 45}}", r"sources\.door\.rotate: .*0, 90, 180 or 270"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        read(tmp_path, f"sources: {text}")


@pytest.mark.parametrize(
    "text",
    [
        f"{{door: {{url: 'rtsp://u:{CANARY}@192.0.2.1/a', fps: 0}}}}",
        f"{{door: 'rtsp://u:{CANARY}@192.0.2.1/a', yard: {{password: [{CANARY}]}}}}",
        f"{{door: {{url: a, password: {CANARY}, fps: x}}}}",
        f"['rtsp://u:{CANARY}@192.0.2.1/a']",
    ],
)
def test_no_complaint_holds_a_password(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, f"sources: {text}")
    assert CANARY not in str(refused.value)


def test_passwords_come_from_the_environment_and_from_files_and_are_masked(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{CANARY}\n", encoding="utf-8")
    text = f"""
sources:
  door: rtsp://viewer:${{DOOR}}@192.0.2.1/a
  yard: {{url: "http://192.0.2.2/v.mjpg?user=v&pwd=${{DOOR}}", user: viewer, password_file: {tmp_path}/key}}
"""
    cameras = read(tmp_path, text, DOOR=CANARY)
    assert cameras["door"].url == f"rtsp://viewer:{CANARY}@192.0.2.1/a"
    secret = cameras["yard"].password
    assert secret is not None
    assert secret.get_secret_value() == CANARY
    assert CANARY not in str(masked(Sources.model_validate({name: one.model_dump() for name, one in cameras.items()})))
