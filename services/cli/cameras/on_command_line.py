"""Cameras named on the command line, `gleaner run rtsp://…`: in the place of those in the settings.

Promises: they are opened as the settings' `sources.defaults` say; nothing is written down.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.cli.cameras.lines import camera_lines
from shared.errors import SettingsError
from shared.settings import Settings


def is_camera(word: str) -> bool:
    """An address, or a device of this machine; anything else is a file or a folder."""
    return "://" in word or word.startswith("/dev/")


def told_apart(settings: Settings, words: Sequence[str], fps: float | None) -> tuple[Settings, list[Path]]:
    """(the settings, with the cameras among the words instead of their own; the files). Raises SettingsError for both."""
    cameras = [word for word in words if is_camera(word)]
    files = [Path(word) for word in words if not is_camera(word)]
    if cameras and files:
        raise SettingsError(
            f"{files[0]} ends, a camera does not: run them one after the other, or put both under `sources:`"
        )
    return (_with(settings, cameras, fps) if cameras else settings), files


def _with(settings: Settings, cameras: Sequence[str], fps: float | None) -> Settings:
    own: Any = settings.values.get("sources")
    defaults = dict(own.get("defaults") or {}) if isinstance(own, dict) else {}
    if fps is not None:
        defaults["fps"] = fps
    named = {line.name: camera for line, camera in zip(camera_lines(cameras), cameras, strict=True)}
    return Settings({**settings.values, "sources": {"defaults": defaults, **named}}, settings.origin)
