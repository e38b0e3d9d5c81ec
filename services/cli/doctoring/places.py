"""Places: the folders that an installation writes to, read from the settings.

Promises: makes none of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.uploader.config import UploaderConfig
from services.uploader.destinations.dataset import DatasetOptions
from shared.settings import EmbeddedBackend, Settings
from shared.streams import STREAMS


@dataclass(frozen=True, slots=True)
class Place:
    """`setting` names it in the settings; `may_take`: bytes that it may come to hold, as far as that is bounded."""

    what: str
    setting: str
    folder: Path
    may_take: int = 0

    @property
    def there(self) -> Path:
        """The folder, or the nearest one above it that exists."""
        return next(one for one in (self.folder, *self.folder.absolute().parents) if one.exists())


def places(settings: Settings) -> Iterator[Place]:
    """Raises SettingsError."""
    uploader, backend = settings.read(UploaderConfig), settings.common.backend
    if isinstance(backend, EmbeddedBackend):
        yield Place("data folder", "backend.folder", backend.folder, retained_bytes())
    else:
        yield Place("outbox", "uploader.folder", uploader.outbox_path.parent)
    for one in uploader.destinations:
        if isinstance(one, DatasetOptions):
            yield Place(f"dataset {one.name}", "destinations: folder", one.folder)


def retained_bytes() -> int:
    """What the streams' retention lets the log of one box hold, where it is bounded in bytes."""
    return sum(stream.retention_bytes or 0 for stream in STREAMS.values())
