"""What feedback reads of the settings: where it listens, who may speak, how much and how long.

Promises: it never listens beyond this machine without an API key, and no key is ever part of an error message.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.errors import SettingsError
from shared.settings import Backend as SettingsBackend
from shared.settings import Config, EmbeddedBackend

MAX_CALLER_CHARS = 64


class FeedbackOptions(Config):
    """The settings under `feedback`."""

    host: str = Field(default="127.0.0.1", description="address to listen on; beyond this machine only with api_keys")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen on; 0: any free one")
    api_keys: dict[str, SecretStr] = Field(
        default_factory=dict, description="NAME: KEY per caller; the name stands in each of its verdicts. Empty: no key"
    )
    folder: Path | None = Field(
        default=None,
        description="where the read model lies; by default `feedback/` in the embedded backend's folder, else "
        "`gleaner-feedback/`",
    )
    max_body_bytes: int = Field(default=65_536, ge=1_024, le=1_048_576, description="the largest request body taken")
    timeout_s: float = Field(
        default=10.0, gt=0, le=120, description="how long log and state store may take, in seconds"
    )

    # These checks raise SettingsError, not ValueError: pydantic would quote its input, which is the keys.
    @field_validator("api_keys", mode="before")
    @classmethod
    def _usable_keys(cls, keys: Any) -> Any:
        if not isinstance(keys, Mapping):
            raise SettingsError(f"feedback.api_keys: expected NAME: KEY lines, got {type(keys).__name__}")
        for name, key in keys.items():
            _check_key(name, key)
        values = [_plain(key) for key in keys.values()]
        if len(set(values)) < len(values):
            raise SettingsError("feedback.api_keys: two names have one key; expected a key of its own for each caller")
        return keys

    @model_validator(mode="after")
    def _open_only_with_keys(self) -> "FeedbackOptions":
        if not self.api_keys and not is_loopback(self.host):
            raise SettingsError(
                f"feedback.host: {self.host!r} is reachable from other machines and feedback.api_keys is empty; "
                "expected a key (feedback.api_keys: {my-app: ${MY_APP_KEY}}) or host 127.0.0.1"
            )
        return self


class FeedbackConfig(Config):
    """The top-level keys that feedback reads. `collection` is the sampler's, whose memos are asked."""

    feedback: FeedbackOptions = Field(default_factory=FeedbackOptions)
    collection: str = Field(default="default", min_length=1, description="name of the collection")
    backend: SettingsBackend = EmbeddedBackend()
    prefix: str = ""
    timezone: str = "UTC"
    privacy: dict[str, Any] | None = Field(
        default=None, description="the sampler's; where it is set, frames that nobody masked are not shown to anybody"
    )

    @property
    def raw_images(self) -> bool:
        """Whether frames may be shown that no privacy step has seen."""
        return not self.privacy

    @property
    def read_model_path(self) -> Path:
        """A projection; may be deleted at any time. Two feedbacks on one machine need one each."""
        return self._folder / f"{self.prefix}read-model.sqlite3"

    @property
    def _folder(self) -> Path:
        if self.feedback.folder:
            return self.feedback.folder
        return (
            self.backend.folder / "feedback" if isinstance(self.backend, EmbeddedBackend) else Path("gleaner-feedback")
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it. A name other than `localhost` may resolve to anything: no."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_key(name: object, key: object) -> None:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_CALLER_CHARS:
        raise SettingsError(
            f"feedback.api_keys: expected names of 1 to {MAX_CALLER_CHARS} characters, got {name!r:.80}"
        )
    text = _plain(key)
    if not isinstance(text, str):
        raise SettingsError(f"feedback.api_keys.{name}: expected text, got {type(text).__name__}; put it in quotes")
    if not text or any(char.isspace() for char in text):
        raise SettingsError(
            f"feedback.api_keys.{name}: expected a key without spaces, got an empty one or one with spaces"
        )


def _plain(key: object) -> object:
    return key.get_secret_value() if isinstance(key, SecretStr) else key
