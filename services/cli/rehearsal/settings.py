"""The settings of a dry run: the user's own, in everything that decides; on a backend and destinations that are thrown away.

Promises: no address, key or folder of the user's backend and destinations is in them; a model that was released is copied out
of the bucket first. The salt is the real one where it can be read, so that of files the very frames are drawn that a run would
draw.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.models.bucket import live_model, live_release
from services.uploader.config import UploaderConfig
from services.uploader.destinations.dataset import DatasetOptions
from services.uploader.destinations.destination import DestinationOptions
from shared.settings import EmbeddedBackend, Settings, masked

_LEFT_OUT = ("uploader", "health", "prefix", "salt", "shadow")
_NAMES_A_PLACE = ("project", "folder", "bucket", "url", "base_url")


def rehearsal(settings: Settings, folder: Path) -> Settings:
    """The same strategies, limits, model and cameras; everything that would be touched lies in the folder."""
    real = settings.read(UploaderConfig).destinations
    values: dict[str, Any] = {
        **{key: value for key, value in settings.values.items() if key not in _LEFT_OUT},
        **_model(settings, folder / "model"),
        "backend": {"type": "embedded", "folder": str(folder / "data")},
        "destinations": [
            {"type": "dataset", "name": one.name, "folder": str(stand_in(folder, one.name))} for one in real
        ],
        "feedback": {"port": 0},
    }
    salt = _salt(settings)
    return Settings(values if salt is None else {**values, "salt": salt}, settings.origin)


def _model(settings: Settings, folder: Path) -> dict[str, Any]:
    """The live release as a file, where the settings name no file. Raises SettingsError, Unavailable."""
    model = live_model(settings)
    if model is None or model.path is not None:
        return {}
    return {"model": {**settings.values["model"], "path": str(live_release(settings, model.id, folder))}}


def _salt(settings: Settings) -> str | None:
    """The settings' salt, or that of the data folder, which is only read; None: the dry run makes one of its own."""
    common = settings.common
    if common.salt is not None:
        return common.salt.get_secret_value()
    at = common.backend
    try:
        return (at.folder / "salt").read_text().strip() or None if isinstance(at, EmbeddedBackend) else None
    except OSError:
        return None


def described(destination: DestinationOptions) -> str:
    """`would be sent to roboflow project parcels (not contacted)`: what it is and where, without secrets."""
    shown = masked(destination)
    where = next((f" {name} {shown[name]}" for name in _NAMES_A_PLACE if shown.get(name)), "")
    if isinstance(destination, DatasetOptions):
        return f"would be written to the dataset{where} (not touched)"
    return f"would be sent to {shown.get('type', destination.name)}{where} (not contacted)"


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in the folder that stood for a destination."""

    images: int = 0
    bytes: int = 0


def stand_in(folder: Path, name: str) -> Path:
    """The folder that stands for a destination. Its name may be dots, so it does not stand alone."""
    return folder / f"to-{name}"


def stored(folder: Path, name: str) -> Stored:
    images = [path for path in (stand_in(folder, name) / "images").glob("*") if path.is_file()]
    return Stored(len(images), sum(path.stat().st_size for path in images))
