"""Surroundings: what this machine says by itself, so that nobody need be asked.

Promises: looks, and changes nothing. What cannot be known is a documented default.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from services.cli.output import printable

UNKNOWN_ZONE = "UTC"
LONGEST_SITE = 64
_PORTS_TRIED = 20
_NAMES_SHOWN = 12
CHECKPOINTS = (
    ".pt",
    ".pth",
    ".torchscript",
    ".engine",
    ".plan",
    ".tflite",
    ".keras",
    ".h5",
    ".mlpackage",
    ".safetensors",
)
_UTC = ("Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model file that works here: what a person wants to read about it."""

    path: Path
    names: tuple[str, ...]
    size_px: tuple[int, int]
    family: str

    def __str__(self) -> str:
        width, height = self.size_px
        return f"{named(self.names)}, input {width} x {height}, {self.family}"


def named(names: Sequence[str]) -> str:
    """`3 classes (cart, person, crate)`, on one line."""
    if not names:
        return "classes without names (`names:` in a sidecar says them)"
    rest = len(names) - _NAMES_SHOWN
    listed = printable(", ".join(names[:_NAMES_SHOWN])) + (f", and {rest} more" if rest > 0 else "")
    return f"{len(names)} class{'es' * (len(names) != 1)} ({listed})"


def site(folder: Path) -> str:
    """The folder's name, as far as it can be read."""
    readable = "".join(char for char in folder.resolve().name if char.isprintable())
    return readable.strip()[:LONGEST_SITE] or "default"


def timezone(environment: Mapping[str, str] = os.environ, etc: Path = Path("/etc")) -> str:
    """This machine's IANA time zone: TZ, else where /etc/localtime leads, else /etc/timezone, else UTC."""
    said = (environment.get("TZ", "").removeprefix(":"), _where_leads(etc / "localtime"), _first_line(etc / "timezone"))
    zone = next((name for name in said if _is_zone(name)), UNKNOWN_ZONE)
    return UNKNOWN_ZONE if zone in _UTC else zone


def models(folder: Path) -> list[Path]:
    """The .onnx files of a folder, the newest first."""
    return sorted(folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime, reverse=True)


def checkpoints(folder: Path) -> list[Path]:
    """Model files of other formats in a folder, the newest first: an ONNX can be made of most."""
    there = [path for path in folder.iterdir() if path.suffix in CHECKPOINTS]
    return sorted(there, key=lambda path: path.stat().st_mtime, reverse=True)


def model_facts(path: Path) -> ModelFacts:
    """Loads it and lets it look at a grey image. Raises SettingsError, which says what to do instead."""
    from shared.models.config import ModelConfig
    from shared.models.model import Model

    model = Model(ModelConfig(path=path))
    return ModelFacts(path, model.names, model.family.input.size_px, model.family.name)


def free_port(host: str, wanted: int, taken: Sequence[int] = ()) -> int:
    """The wanted port, or the next that nobody listens on; the wanted one if there is none near."""
    candidates = (port for port in range(wanted, min(wanted + _PORTS_TRIED, 65_536)) if port not in taken)
    return next((port for port in candidates if is_free(host, port)), wanted)


def is_free(host: str, port: int) -> bool:
    """Whether a service could listen there now."""
    return listening_fault(host, port) is None


def listening_fault(host: str, port: int) -> OSError | None:
    """Why nobody can listen there now; None when one can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        return error
    return None


def _where_leads(link: Path) -> str:
    try:
        return os.readlink(link).rpartition("zoneinfo/")[2]
    except OSError:
        return ""


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and bool(ZoneInfo(name))
    except (LookupError, ValueError, OSError):  # a name that is none, or one like ../../secret
        return False
