"""What can be set of the sources: the cameras by name, and what they have in common.

Promises: a camera is one line, `NAME: ADDRESS`, or a section; what its section leaves out stands in `defaults`. Which file or
host an address names is not looked at here.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from services.sources.naming import checked_source_id
from shared.errors import SettingsError
from shared.settings import Config

DEFAULTS = "defaults"


class CameraDefaults(Config):
    """What cameras have in common."""

    fps: float = Field(
        default=1.0, gt=0, le=120, description="frames published per second, at most; the rest is thinned out"
    )
    transport: Literal["tcp", "udp"] = Field(default="tcp", description="how RTSP brings its pictures")
    decode: Literal["auto", "all", "keyframes"] = Field(
        default="auto",
        description="which pictures of a video stream are decoded; auto: key frames alone where they come often enough",
    )
    rotate: Literal[0, 90, 180, 270] = Field(
        default=0, description="degrees clockwise, for a camera mounted on its side"
    )
    quality: int = Field(default=90, ge=10, le=100, description="of JPEGs that are encoded here")
    loop: bool = Field(default=False, description="a file: begin again at its end")
    open_timeout_s: float = Field(default=10.0, gt=0, le=300, description="longest wait for a connection")
    read_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=300,
        description="a connection that brings nothing so long hangs, and is opened again "
        "(H.264: up to twice as long, HLS: three times)",
    )
    silent_s: float = Field(
        default=30.0,
        gt=0,
        le=86_400,
        description="a connection without a picture so long is silent, and is opened again; longer than key frames are apart",
    )
    frozen_s: float = Field(
        default=60.0, gt=0, le=86_400, description="a camera whose picture stays the same so long is shown as frozen"
    )
    retry_most_s: float = Field(default=30.0, gt=0, le=3600, description="longest wait between two tries to open it")


class CameraOptions(CameraDefaults):
    """One camera."""

    url: str = Field(
        min_length=1,
        max_length=4096,
        description="`rtsp://…`, `http(s)://…` (MJPEG, HLS, a snapshot that is fetched again), `/dev/video0`, or a file",
    )
    user: str | None = Field(default=None, description="user name, where the address does not hold one")
    password: SecretStr | None = Field(default=None, description="its password; `password_file` reads it from a file")


class Sources(Config):
    """The cameras by name; the name `defaults` is taken."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, CameraOptions]

    defaults: CameraDefaults = Field(default=CameraDefaults(), description="what cameras have in common")

    @model_validator(mode="before")
    @classmethod
    def _lines(cls, value: Any) -> Any:
        """`NAME: ADDRESS` is short for a section with nothing but a `url`."""
        if not isinstance(value, Mapping):
            return value
        return {str(name): _section(str(name), line) for name, line in value.items()}

    @model_validator(mode="after")
    def _filled_in(self) -> "Sources":
        common = self.defaults.model_dump(exclude_unset=True)
        for name, one in self.cameras.items():
            missing = {key: value for key, value in common.items() if key not in one.model_fields_set}
            self.cameras[name] = one.model_copy(update=missing)
        return self

    @property
    def cameras(self) -> dict[str, CameraOptions]:
        """Every camera with the defaults filled in, in the file's order."""
        return self.__pydantic_extra__

    def needed(self) -> dict[str, CameraOptions]:
        """The cameras, for whoever has nothing to do without. Raises SettingsError when there are none."""
        if not self.cameras:
            raise SettingsError(
                "no cameras in the settings: expected a line `NAME: ADDRESS` under `sources`; `gleaner sources add` writes one"
            )
        return self.cameras


class SourcesConfig(Config):
    """What the sources read of the settings."""

    sources: Sources = Field(default=Sources(), description="the cameras by name; see below")

    @field_validator("sources", mode="before")
    @classmethod
    def _nothing_yet(cls, value: Any) -> Any:
        """`sources:` with nothing but comments below it."""
        return {} if value is None else value


def _section(name: str, line: Any) -> Any:
    if name != DEFAULTS:
        checked_source_id(name)
    if line is None and name == DEFAULTS:
        return {}
    return {"url": line} if isinstance(line, str) and name != DEFAULTS else line
