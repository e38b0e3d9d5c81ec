"""What feedback reads of the settings: where it listens, who may speak, how much and how long.

Promises: it never listens beyond this machine without an API key, and no key is ever part of an error message. Keys are
hashed as they are read.
"""

import hashlib
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, SecretStr, field_validator, model_validator

from services.feedback.access.caller import USUAL_SCOPES, Scope
from services.feedback.alerts import AccuracyOptions
from services.feedback.silence.options import SilenceOptions
from shared.errors import SettingsError
from shared.settings import Backend as SettingsBackend
from shared.settings import Config, EmbeddedBackend, nearest
from shared.streams.frames import MAX_FRAME_BYTES

MAX_CALLER_CHARS = 64
MOST_KEY_CHARS = 1_024
LINK_PREFIX = "link."
"""What the tokens of signed links begin with, and API keys do not."""
_KEY_FIELDS = ["key", "sha256", "scopes", "sources"]
_SHA256 = re.compile("[0-9a-f]{64}")
_ORIGIN = re.compile(r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:\d{1,5})?")


class ApiKey(Config):
    """One caller: the hash of its key, and what it may do. 64 hex digits; the key itself is not kept."""

    sha256: SecretStr = Field(description="of the key, as `gleaner keys new` prints it; or `key`, the key itself")
    scopes: tuple[Scope, ...] = Field(
        default=USUAL_SCOPES,
        min_length=1,
        description="judge: verdicts, exposures, frames, links; read: what there is; admin: all of it",
    )
    sources: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = Field(
        default=(), description="globs of the source ids that it may judge and see; none: all"
    )


class FeedbackOptions(Config):
    """The settings under `feedback`."""

    host: str = Field(default="127.0.0.1", description="address to listen on; beyond this machine only with api_keys")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen on; 0: any free one")
    api_keys: dict[str, ApiKey] = Field(
        default_factory=dict,
        description="NAME: KEY per caller, or NAME: {key or sha256, scopes, sources}; the name stands in each of its "
        "verdicts. Empty: no key",
    )
    origins: tuple[str, ...] = Field(
        default=(),
        description="web pages that may ask from a browser, https://app.example.com; none: only pages served here",
    )
    folder: Path | None = Field(
        default=None,
        description="where the read model lies; by default `feedback/` in the embedded backend's folder, else "
        "`gleaner-feedback/`",
    )
    max_body_bytes: int = Field(default=65_536, ge=1_024, le=1_048_576, description="the largest request body taken")
    max_bulk_bytes: int = Field(
        default=4_194_304, ge=1_024, le=16_777_216, description="the largest body of a bulk request"
    )
    max_frame_bytes: int = Field(
        default=MAX_FRAME_BYTES, ge=1_024, le=MAX_FRAME_BYTES, description="the largest image taken by POST /v1/frames"
    )
    max_per_s: float = Field(
        default=200.0,
        ge=0,
        description="requests per second of one caller, in bursts of twice as many; 0: no limit. Each replica counts alone",
    )
    max_in_flight: int = Field(
        default=256, ge=1, le=100_000, description="requests in work at once; more are told to come again"
    )
    accuracy: AccuracyOptions = AccuracyOptions()
    silence: SilenceOptions = SilenceOptions()
    timeout_s: float = Field(
        default=10.0, gt=0, le=120, description="how long log and state store may take, in seconds"
    )

    # These checks raise SettingsError, not ValueError: pydantic would quote its input, which is the keys.
    @field_validator("api_keys", mode="before")
    @classmethod
    def _usable_keys(cls, keys: Any) -> Any:
        if not isinstance(keys, Mapping):
            raise SettingsError(f"feedback.api_keys: expected NAME: KEY lines, got {type(keys).__name__}")
        hashed = {name: _hashed(name, key) for name, key in keys.items()}
        digests = [key["sha256"] for key in hashed.values()]
        if len(set(digests)) < len(digests):
            raise SettingsError("feedback.api_keys: two names have one key; expected a key of its own for each caller")
        return hashed

    @field_validator("origins")
    @classmethod
    def _plain_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError("expected origins as browsers send them, https://app.example.com, or *")
        if "*" in origins and len(origins) > 1:
            raise ValueError("expected * alone: it is every origin already")
        return origins

    @model_validator(mode="after")
    def _open_only_with_keys(self) -> "FeedbackOptions":
        if not self.api_keys and not is_loopback(self.host):
            raise SettingsError(
                f"feedback.host: {self.host!r} is reachable from other machines and feedback.api_keys is empty; "
                "expected a key (feedback.api_keys: {my-app: ${MY_APP_KEY}}) or host 127.0.0.1"
            )
        if not self.api_keys and "*" in self.origins:
            raise SettingsError(
                "feedback.origins: with * and without feedback.api_keys any page that is open on this machine could "
                "judge; expected a key, or the origins that may"
            )
        return self


class FeedbackConfig(Config):
    """The top-level keys that feedback reads. `collection` is the sampler's, whose memos are asked."""

    feedback: FeedbackOptions = Field(default_factory=FeedbackOptions)
    collection: str = Field(default="default", min_length=1, description="name of the collection")
    collections: dict[str, Any] = Field(default={}, description="the sampler's; their names are what is asked for here")
    backend: SettingsBackend = EmbeddedBackend()
    prefix: str = ""
    timezone: str = "UTC"
    privacy: dict[str, Any] | None = Field(
        default=None, description="the sampler's; where it is set, frames that nobody masked are not shown to anybody"
    )

    @property
    def all_collections(self) -> tuple[str, ...]:
        return self.collection, *self.collections

    @property
    def raw_images(self) -> bool:
        """Whether frames may be shown that no privacy step has seen."""
        return not self.privacy

    @property
    def read_model_path(self) -> Path:
        """A projection; may be deleted at any time. Two feedbacks on one machine need one each."""
        return self._folder / f"{self.prefix}read-model.sqlite3"

    @property
    def silence_path(self) -> Path:
        """Likewise."""
        return self._folder / f"{self.prefix}silence.sqlite3"

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


def _hashed(name: object, given: object) -> dict[str, Any]:
    """What stands behind a name, with the key's hash in the key's place. Raises SettingsError."""
    if not isinstance(name, str) or not 0 < len(name) <= MAX_CALLER_CHARS or not name.isprintable():
        raise SettingsError(
            f"feedback.api_keys: expected names of 1 to {MAX_CALLER_CHARS} characters, got {name!r:.80}"
        )
    where = f"feedback.api_keys.{name}"
    if isinstance(given, ApiKey):
        return {"sha256": given.sha256.get_secret_value(), "scopes": given.scopes, "sources": given.sources}
    if not isinstance(given, Mapping):
        return {"sha256": _digest(where, given)}
    return _described(where, given)


def _described(where: str, given: Mapping[Any, Any]) -> dict[str, Any]:
    for field in given:
        if field not in _KEY_FIELDS:
            raise SettingsError(f"{where}: expected key or sha256, scopes, sources; got something else")
    if ("key" in given) == ("sha256" in given):
        raise SettingsError(f"{where}: expected either key, or sha256 (`gleaner keys new` prints one)")
    _check_scopes(where, given.get("scopes", USUAL_SCOPES))
    rest = {field: given[field] for field in ("scopes", "sources") if field in given}
    return {"sha256": _digest(f"{where}.key", given["key"]) if "key" in given else _hex(where, given["sha256"]), **rest}


def _check_scopes(where: str, scopes: object) -> None:
    if not isinstance(scopes, list | tuple):
        raise SettingsError(f"{where}.scopes: expected a list, [judge, read]")
    known = list(get_args(Scope))
    for scope in scopes:
        if scope not in known:
            raise SettingsError(f"{where}.scopes: unknown scope {scope!r:.40}{nearest(str(scope), known)}")


def _digest(where: str, key: object) -> str:
    text = _plain(key)
    if not isinstance(text, str):
        raise SettingsError(f"{where}: expected text, got {type(text).__name__}; put it in quotes")
    if not text or len(text) > MOST_KEY_CHARS or any(char.isspace() for char in text):
        raise SettingsError(f"{where}: expected a key without spaces, got an empty one or one with spaces")
    if text.startswith(LINK_PREFIX):
        raise SettingsError(f"{where}: expected a key that does not begin with {LINK_PREFIX!r}, as signed links do")
    return hashlib.sha256(text.encode()).hexdigest()


def _hex(where: str, digest: object) -> str:
    text = _plain(digest)
    if not isinstance(text, str) or not _SHA256.fullmatch(text):
        raise SettingsError(f"{where}.sha256: expected 64 hex digits, as `gleaner keys new` prints them")
    return text


def _plain(key: object) -> object:
    return key.get_secret_value() if isinstance(key, SecretStr) else key
