"""What can be set for the uploader: its destinations and how hard it tries."""

from pathlib import Path

from pydantic import Field, field_validator

from services.uploader.destinations import AnyDestination
from services.uploader.destinations.dataset import DatasetOptions
from shared.settings import Backend, Config, EmbeddedBackend


class UploaderOptions(Config):
    """How samples are delivered."""

    folder: Path | None = Field(
        default=None,
        description="where the outbox lies; by default `uploader/` in the embedded backend's folder, else `gleaner-uploader/`",
    )
    outbox: Path | None = Field(
        default=None, description="file of the outbox; a projection, may be deleted at any time"
    )
    parallel: int = Field(default=4, ge=1, le=64, description="deliveries under way at once, per destination")


class UploaderConfig(Config):
    """The part of the settings that the uploader reads."""

    destinations: tuple[AnyDestination, ...] = Field(default=(DatasetOptions(),), description="where samples go")
    uploader: UploaderOptions = UploaderOptions()
    backend: Backend = EmbeddedBackend()
    prefix: str = ""
    timezone: str = "UTC"

    @field_validator("destinations")
    @classmethod
    def _named_apart(cls, destinations: tuple[AnyDestination, ...]) -> tuple[AnyDestination, ...]:
        names = [destination.name for destination in destinations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"expected destinations with different names, got {twice[0]!r} twice: give one a `name`")
        return destinations

    @property
    def outbox_path(self) -> Path:
        """Two uploaders on one machine need one each."""
        return self.uploader.outbox or self._folder / f"{self.prefix}outbox.sqlite3"

    @property
    def _folder(self) -> Path:
        if self.uploader.folder:
            return self.uploader.folder
        return (
            self.backend.folder / "uploader" if isinstance(self.backend, EmbeddedBackend) else Path("gleaner-uploader")
        )
