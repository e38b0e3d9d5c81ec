"""Cameras on the command line: told apart from files, named, opened as the settings' defaults say."""

from pathlib import Path

import pytest

from services.cli.cameras.on_command_line import told_apart
from services.sources.config import SourcesConfig
from shared.errors import SettingsError
from shared.settings import Settings

SETTINGS = Settings({"site": "lab", "sources": {"defaults": {"rotate": 90, "fps": 2}, "door": "rtsp://192.0.2.9/a"}})
CANARY = "c4nary"


def test_files_leave_the_settings_as_they_are() -> None:
    assert told_apart(SETTINGS, ["a.mp4", "pictures"], None) == (SETTINGS, [Path("a.mp4"), Path("pictures")])


def test_cameras_stand_in_for_those_of_the_settings() -> None:
    words = [f"rtsp://viewer:{CANARY}@192.0.2.1/a", "/dev/video0", "http://192.0.2.1/v.mjpg"]
    settings, files = told_apart(SETTINGS, words, None)
    cameras = settings.read(SourcesConfig).sources.cameras
    assert [one.url for one in cameras.values()] == words
    assert {(one.rotate, one.fps) for one in cameras.values()} == {(90, 2.0)}
    assert len(cameras) == 3
    assert CANARY not in "".join(cameras)
    assert files == []


def test_fps_is_the_cameras_too() -> None:
    settings, _ = told_apart(Settings({}), ["/dev/video0"], 5)
    assert [one.fps for one in settings.read(SourcesConfig).sources.cameras.values()] == [5.0]


def test_what_ends_and_what_does_not_are_two_runs() -> None:
    with pytest.raises(SettingsError, match=r"a\.mp4 ends, a camera does not"):
        told_apart(SETTINGS, ["a.mp4", "/dev/video0"], None)
