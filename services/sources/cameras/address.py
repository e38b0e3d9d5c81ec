"""Addresses: what a camera's `url` means, how it is opened, and how it may be shown.

Promises: `shown` holds no credentials, wherever they stood; what cannot be an address is refused with a sentence.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from services.sources.config import CameraOptions
from shared.errors import SettingsError
from shared.settings import masked, nearest

Kind = Literal["rtsp", "http", "rtmp", "udp", "srt", "device", "file"]

_KINDS: dict[str, Kind] = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": "http",
    "https": "http",
    "rtmp": "rtmp",
    "rtmps": "rtmp",
    "udp": "udp",
    "srt": "srt",
}
_ENCRYPTED = frozenset({"rtsps", "https", "rtmps"})
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_AUTHORITY = re.compile(r"[^/?#]*")
_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]\s]*)(?::(?P<port>\d{1,5}))?")
# Some cameras take them in the path: rtsp://host/user=admin_password=…_channel=1
_PASSWORD_ANYWHERE = re.compile(r"((?:pass(?:wor[dt]|wd)?|pwd)=)[^&/?#\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """`host` and `port` are empty and 0 where there is none. `url` is without credentials."""

    kind: Kind
    scheme: str
    url: str = field(repr=False)
    host: str = ""
    port: int = 0
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, options: CameraOptions) -> "Address":
        """Raises SettingsError: an unknown scheme, no host, a file that is not there."""
        url = options.url.strip()
        match = _SCHEME.match(url)
        if match is None:
            return _device(url) if url.startswith("/dev/") else _file(Path(url).expanduser())
        if match[1].lower() == "file":
            return _file(Path(unquote(url[match.end() :])))
        return _remote(match[1].lower(), url[match.end() :], options)

    @property
    def shown(self) -> str:
        """For people, logs and reports."""
        return _PASSWORD_ANYWHERE.sub(r"\g<1>********", str(masked(self.url)))

    @property
    def encrypted(self) -> bool:
        return self.scheme in _ENCRYPTED

    @property
    def segmented(self) -> bool:
        """HLS: comes in pieces of some seconds."""
        return self.kind == "http" and _AUTHORITY.sub("", self.url.split("://")[1], count=1).partition("?")[0].endswith(
            ".m3u8"
        )

    def with_credentials(self) -> str:
        """What FFmpeg opens. Never to be shown."""
        if self.kind == "file":
            return f"file:{self.url}"  # a name with a colon is no scheme
        if self.user is None:
            return self.url
        secret = "" if self.password is None else f":{quote(self.password, safe='')}"
        return self.url.replace("://", f"://{quote(self.user, safe='')}{secret}@", 1)


def _device(path: str) -> Address:
    return Address("device", "", path)


def _file(path: Path) -> Address:
    try:
        there = path.is_file()
    except OSError as error:
        raise SettingsError(f"a camera's file cannot be looked at: {error.strerror}: {str(path)[:200]}") from error
    if not there:
        what = (
            "a folder, expected a video file (`gleaner run FOLDER` goes through the images of one, once)"
            if path.is_dir()
            else "neither a file nor an address like rtsp://HOST/PATH"
        )
        raise SettingsError(f"the camera's url {masked(str(path))[:200]!r} is {what}")
    return Address("file", "file", str(path.absolute()))


def _remote(scheme: str, rest: str, options: CameraOptions) -> Address:
    kind = _KINDS.get(scheme)
    if kind is None:
        known = [*_KINDS, "file"]
        raise SettingsError(f"the camera's url begins with {scheme}://, which is unknown{nearest(scheme, known)}")
    authority = _AUTHORITY.match(rest)
    written, _, where = (authority[0] if authority else "").rpartition("@")
    parts = _HOST_AND_PORT.fullmatch(where)
    if parts is None or not (parts["host"] or kind in ("udp", "srt")) or int(parts["port"] or 0) > 65_535:
        raise SettingsError(
            f"the camera's url {scheme}://… names no host: expected {scheme}://HOST[:PORT]/PATH; "
            "a password with characters such as / ? # @ goes into `user` and `password`"
        )
    user, password = _credentials(written, options)
    path = rest[len(authority[0]) :] if authority else ""
    port = int(parts["port"] or 0) or _PORTS.get(scheme, 0)
    return Address(kind, scheme, f"{scheme}://{where}{path}", parts["host"].strip("[]"), port, user, password)


def _credentials(written: str, options: CameraOptions) -> tuple[str | None, str | None]:
    """Of the options, else of the address."""
    user, colon, password = written.partition(":")
    given = None if options.password is None else options.password.get_secret_value()
    return (
        options.user if options.user is not None else (unquote(user) if written else None),
        given if given is not None else (unquote(password) if colon else None),
    )
