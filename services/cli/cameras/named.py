"""The cameras of the settings, each read alone: one whose line is wrong does not hide the others.

Promises: the settings' order; a name that is not there is refused with the nearest one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.sources.cameras.address import Address
from services.sources.config import DEFAULTS, CameraOptions, SourcesConfig
from shared.errors import SettingsError
from shared.settings import Settings, nearest

Named = Mapping[str, CameraOptions | SettingsError]


def cameras(settings: Settings, names: Sequence[str] = ()) -> Named:
    """Those of these names, or all. In place of a camera whose line cannot work stands the reason. Raises SettingsError."""
    lines = settings.values.get("sources")
    if not isinstance(lines, Mapping):
        settings.read(SourcesConfig)  # raises, unless nothing is there
        lines = {}
    all_names = [name for name in lines if name != DEFAULTS]
    if not all_names:
        where = ", and no gleaner.yaml here" if settings.origin == "defaults" else f" in {settings.origin}"
        raise SettingsError(f"no cameras{where}: `gleaner sources add URL` tries one and writes its line")
    for name in names:
        if name not in all_names:
            raise SettingsError(f"no source {name!r} in {settings.origin}{nearest(name, all_names)}")
    return {name: _camera(settings, lines, name) for name in all_names if not names or name in names}


def _camera(settings: Settings, lines: Mapping[str, object], name: str) -> CameraOptions | SettingsError:
    alone = {key: lines[key] for key in (DEFAULTS, name) if key in lines}
    try:
        return Settings({"sources": alone}, settings.origin).read(SourcesConfig).sources.cameras[name]
    except SettingsError as error:
        return error


@dataclass(frozen=True, slots=True)
class Listed:
    """`problem`: why the line cannot work, None where it can."""

    name: str
    address: str
    fps: float | None
    problem: str | None = None


def listed(name: str, camera: CameraOptions | SettingsError) -> Listed:
    """A camera as people may see it; nothing is opened."""
    if isinstance(camera, SettingsError):
        return Listed(name, "-", None, str(camera))
    try:
        return Listed(name, Address.of(camera).shown, camera.fps)
    except SettingsError as error:
        return Listed(name, "-", camera.fps, str(error))
