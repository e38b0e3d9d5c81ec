"""Camera lines: an address as a person types it, as a camera of the settings file.

Promises: no secret of the address is in what comes back, nor in an error; each is replaced by a variable's name, which is
told. What a name is made of is the host, the device or the file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from services.sources.naming import own_name, unique
from shared.errors import SettingsError

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<credentials>[^/?#]*)@)?(?P<host>[^/?#@]*)(?P<rest>.*)")
_SENSITIVE = r"[^=&;/?]*(?:key|token|secret|pass|pwd|sign|auth|credential)[^=&;/?]*"
_IN_QUERY = re.compile(rf"([?&;])({_SENSITIVE})=([^&;#]+)", re.IGNORECASE)
# Some recorders take `user=admin_password=…_channel=1` as a path; only names that they are known to use end a password.
_IN_PATH = re.compile(
    r"([/_])(pass\w*?|pwd|token|key)=(.+?)(?=_(?:channel|stream|user|subtype)=|[/?#]|$)", re.IGNORECASE
)
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_SOUNDS_LIKE_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class CameraLine:
    """`variables`: what must be in the environment before anything is opened."""

    name: str
    options: dict[str, str]
    variables: tuple[str, ...] = ()


@dataclass
class _Hidden:
    """Gives each secret of one camera a variable of its own."""

    camera: str
    variables: list[str] = field(default_factory=list)

    def variable(self, what: str, value: str) -> str:
        if _VARIABLE.fullmatch(value):
            return value
        name = _spelled(f"{self.camera}_{what}").upper()
        self.variables.append(name)
        return f"${{{name}}}"

    def within(self, text: str) -> str:
        """The text behind a host, its secrets replaced."""
        path, mark, query = text.partition("?")
        path = _IN_PATH.sub(lambda m: f"{m[1]}{m[2]}={self.variable(m[2], m[3])}", path)
        return path + _IN_QUERY.sub(lambda m: f"{m[1]}{m[2]}={self.variable(m[2], m[3])}", mark + query)


def camera_lines(sources: Sequence[str]) -> list[CameraLine]:
    """One camera per source, with names of their own. Raises SettingsError, without the address where it may hold a secret."""
    for number, source in enumerate(sources, 1):
        _refuse_unclear(number, source)
    names = unique([_name(source) for source in sources])
    return [_line(name, source) for name, source in zip(names, sources, strict=True)]


def _line(name: str, source: str) -> CameraLine:
    parts = _URL.fullmatch(source)
    if parts is None:
        return CameraLine(name, {"url": _device_or_file(source)})
    hidden = _Hidden(name)
    options = {"url": f"{parts['scheme']}://{parts['host']}{hidden.within(parts['rest'])}"}
    user, colon, password = (parts["credentials"] or "").partition(":")
    if user:
        options["user"] = unquote(user)
    if colon:
        options["password"] = hidden.variable("password", password)
    return CameraLine(name, options, tuple(hidden.variables))


def _refuse_unclear(number: int, source: str) -> None:
    """By its number: whatever the address is cut into may be a part of the password."""
    parts = _URL.fullmatch(source)
    if parts is not None and "@" in parts["rest"]:
        raise SettingsError(
            f"source {number}: there is an @ behind the host; write / ? # @ of a password as %2F %3F %23 %40, "
            "or leave user and password out and write them into the settings as `user` and `password`"
        )


def _device_or_file(source: str) -> str:
    if _SOUNDS_LIKE_NUMBER.fullmatch(source):
        return f"/dev/video{source}"
    path = Path(source)
    if path.is_dir():
        raise SettingsError(
            f"{source} is a folder: a camera is an address, a device or a video file; "
            f"`gleaner run {source}` goes once through a folder's pictures"
        )
    if not path.exists() and not source.startswith("/dev/"):
        raise SettingsError(f"no such file: {source}; expected rtsp://…, http://…, /dev/video0 or a video file")
    return source


def _name(source: str) -> str:
    """front-door of rtsp://front-door.local:554/live; camera-192-0-2-10 of an address in numbers."""
    parts = _URL.fullmatch(source)
    if parts is None:
        number = _SOUNDS_LIKE_NUMBER.fullmatch(source)
        return _usable(f"video{source}" if number else own_name(Path(source), stem=True))
    host = re.sub(r":\d*$", "", parts["host"])
    return _usable(host if re.fullmatch(r"[\d.]+|\[.*\]", host) else host.partition(".")[0])


def _usable(name: str) -> str:
    """In small letters, digits and hyphens, so that two cameras never share a variable; `defaults` is taken."""
    plain = _spelled(name, "-").lower()
    return f"camera-{plain}".rstrip("-") if not plain or plain[0].isdigit() or plain == "defaults" else plain


def _spelled(name: str, between: str = "_") -> str:
    return re.sub(r"[^A-Za-z0-9]+", between, name).strip(between)
