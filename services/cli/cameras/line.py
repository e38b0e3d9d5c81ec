"""The line of a camera in the settings file: its name, and what stands after the colon.

Promises: no password stands in it. What an address holds of secrets goes into environment variables that the line names; a
variable that the address names already stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

import yaml

from services.sources.config import DEFAULTS
from shared.errors import SettingsError

LONGEST_NAME = 64
_ONE_LINE = 10**9
# What shared.settings masks in a query, and what addresses mask in a path, must be caught here.
_IN_QUERY = re.compile(
    r"(?P<key>[^&;=#]*(?:key|token|secret|pass|pwd|sign|auth|credential)[^&;=#]*)=(?P<secret>[^&;#]+)", re.IGNORECASE
)
_IN_PATH = re.compile(
    r"(?<=[/_;])(?P<key>pass\w*?|pwd|token|key)=(?P<secret>.+?)(?=_(?:channel|stream|user|subtype)=|[/;?#]|$)",
    re.IGNORECASE,
)
_REMOTE = re.compile(r"[^:/?#]+://(?:[^/?#]*@)?(?P<host>\[[^\]]*\]|[^:/?#]*)[^/?#]*(?P<path>[^?#]*)")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}")


@dataclass(frozen=True, slots=True)
class Line:
    """`value`: an address, or a section. `variables`: the environment that it needs, name to secret."""

    name: str
    value: str | dict[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        """`NAME: VALUE` as YAML in one line, quoted where it must be."""
        dumped = yaml.safe_dump(
            {self.name: self.value}, default_flow_style=True, width=_ONE_LINE, allow_unicode=True, sort_keys=False
        )
        return dumped.strip().removeprefix("{").removesuffix("}")


def new_line(
    url: str,
    name: str | None = None,
    *,
    user: str | None = None,
    password_file: str | None = None,
    fps: float | None = None,
    taken: str = "",
) -> Line:
    """`taken`: the settings file so far; a variable that it names is not used for something else. Raises SettingsError."""
    bare, url_user, password = _without_credentials(url)
    _need_one_of_each(user, url_user, "user name", "--user")
    _need_one_of_each(password_file, password, "password", "--password-file")
    if password_file and not (user or url_user):
        raise SettingsError(
            "a password needs a user name: say --user, or write it into the address (`rtsp://USER@HOST/`)"
        )
    name = name or name_of(bare)
    if name == DEFAULTS:
        raise SettingsError(f"`{DEFAULTS}` below `sources:` is what cameras have in common: say another --name")
    variables: dict[str, str] = {}
    section = {
        "url": _without_secrets(bare, name, variables, taken),
        "user": url_user if user is None else user,
        "password": password and _kept_out(password, name, "PASSWORD", variables, taken),
        "password_file": password_file,
        "fps": int(fps) if fps is not None and fps == int(fps) else fps,
    }
    said: dict[str, Any] = {key: value for key, value in section.items() if value is not None}
    return Line(name, said["url"] if len(said) == 1 else said, variables)


def name_of(url: str) -> str:
    """A name made of the address: the host and the path's last part, or a file's name, without its ending."""
    remote = _REMOTE.match(_REFERENCE.sub("", url))
    if remote is None:
        parts = [PurePath(url).stem]
    else:
        last = unquote(remote["path"]).rstrip("/").rpartition("/")[2]
        # `user=…_password=…` as a path is no name
        parts = [remote["host"] or "camera", "" if "=" in last else PurePath(last).stem]
    name = re.sub(r"[^\w.]+", "-", "-".join(parts)).strip("-._")[:LONGEST_NAME].rstrip("-._") or "camera"
    return f"{name}-camera" if name == DEFAULTS else name


def _without_credentials(url: str) -> tuple[str, str | None, str | None]:
    """Address, user and password, percent-decoded. What is no plain `user:password@` is refused without being shown."""
    scheme, there, rest = url.partition("://")
    if not there:
        return url, None, None
    before_path = re.split(r"[/?#]", rest, maxsplit=1)[0]
    credentials, at, host = before_path.rpartition("@")
    if not at and ":" in before_path and "@" in rest:
        raise SettingsError(
            "there is an @ behind the host: write / ? # @ of a password as %2F %3F %23 %40, and an @ of a path as %40; "
            "or `gleaner sources add ADDRESS --user USER --password-file FILE`"
        )
    if not at:
        return url, None, None
    user, _, password = credentials.partition(":")
    if _REFERENCE.search(password):
        return url, None, None
    tail = rest[len(before_path) :]
    return f"{scheme}://{host}{tail}", unquote(user) if credentials else None, unquote(password) if password else None


def _need_one_of_each(option: str | None, in_url: str | None, what: str, said: str) -> None:
    if option is not None and in_url is not None:
        raise SettingsError(f"two {what}s: one in the address, one with {said}; say it once")


def _without_secrets(url: str, name: str, variables: dict[str, str], taken: str) -> str:
    """`?pwd=…` becomes `?pwd=${NAME_PWD}`, and so does a password that a recorder takes in the path."""

    def reference(match: re.Match[str]) -> str:
        if _REFERENCE.fullmatch(match["secret"]):
            return match[0]
        return f"{match['key']}={_kept_out(match['secret'], name, match['key'], variables, taken)}"

    scheme, there, rest = url.partition("://")
    path, mark, query = rest.partition("?")
    return scheme + there + _IN_PATH.sub(reference, path) + mark + _IN_QUERY.sub(reference, query) if there else url


def _kept_out(secret: str, name: str, what: str, variables: dict[str, str], taken: str) -> str:
    """Puts the secret into a variable of its own; gives the reference to it."""
    wanted = re.sub(r"[^A-Z0-9]+", "_", f"{name}_{what}".upper()).strip("_")
    wanted = f"CAMERA_{wanted}" if not wanted[:1].isalpha() else wanted
    variable, number = wanted, 1
    while variable in variables or f"${{{variable}" in taken:
        number += 1
        variable = f"{wanted}_{number}"
    variables[variable] = secret
    return f"${{{variable}}}"
