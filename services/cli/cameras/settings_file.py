"""Writes a camera's line into the settings file and leaves everything else as it stands: comments, order, line ends.

Promises: the new file is read before it takes the old one's place; unless it says what the old one said, and the new camera,
nothing is written, and the line to paste is in the error. Atomic; the file's mode stays. A missing file is made.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import typer
import yaml

from services.cli.cameras.line import Line
from services.sources.config import DEFAULTS, CameraOptions, SourcesConfig
from shared.errors import SettingsError
from shared.settings import Settings, load

_INDENT = "  "


def file_in_use(ctx: typer.Context) -> Path:
    """Which settings file the commands read; it need not be there."""
    return Path(ctx.obj or os.environ.get("GLEANER_SETTINGS") or "gleaner.yaml")


def text_of(path: Path) -> str:
    """The file as it stands, line ends included; nothing when it is not there. Raises SettingsError."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the settings file {path}: {getattr(error, 'strerror', error)}") from error


def read_with(path: Path, line: Line) -> CameraOptions:
    """The camera as the settings would give it with this line, defaults filled in. Writes nothing. Raises SettingsError."""
    with _beside(path, line) as (_, options):
        return options


def write(path: Path, line: Line) -> None:
    """Raises SettingsError when it cannot be done safely."""
    with _beside(path, line) as (beside, _):
        try:
            beside.replace(path.resolve())
        except OSError as error:
            raise SettingsError(_paste(line, f"cannot write {path}: {error.strerror}")) from error


def inserted(text: str, line: Line) -> str:
    """The same text with the line below its `sources:`, after the last entry. Nothing else is touched."""
    newline = "\r\n" if "\r\n" in text else "\n"
    found = _sources(text)
    if found is None:
        return _at_the_end(text, f"sources:{newline}{_INDENT}{line}{newline}", newline)
    key, value = found
    if not isinstance(value, yaml.MappingNode):
        return _below(text, _after_comments(text, _end_of_line(text, key.end_mark.index)), _INDENT, line, newline)
    if value.flow_style:
        return _into_braces(text, value, line)
    first, last = value.value[0][0], value.value[-1]
    return _below(text, _end_of_line(text, _end_of_entry(*last)), " " * first.start_mark.column, line, newline)


def _sources(text: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Key and value of the top-level `sources`."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    entries = root.value if isinstance(root, yaml.MappingNode) else []
    return next(((key, value) for key, value in entries if key.value == "sources"), None)


def _end_of_entry(key: yaml.Node, value: yaml.Node) -> int:
    """Where its last character stands. A block's own end lies behind the comments that follow, an alias's elsewhere."""
    if value.start_mark.index < key.start_mark.index:
        return int(key.end_mark.index)
    if isinstance(value, yaml.MappingNode) and not value.flow_style and value.value:
        return _end_of_entry(*value.value[-1])
    if isinstance(value, yaml.SequenceNode) and not value.flow_style and value.value:
        return _end_of_entry(value.value[-1], value.value[-1])
    is_block_text = isinstance(value, yaml.ScalarNode) and value.style in ("|", ">")
    return int(value.end_mark.index) - is_block_text


def _end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _after_comments(text: str, index: int) -> int:
    """Past the indented comments that begin there."""
    while text[index : index + 1] in (" ", "#") and text[index : _end_of_line(text, index)].lstrip().startswith("#"):
        index = _end_of_line(text, index)
    return index


def _below(text: str, index: int, indent: str, line: Line, newline: str) -> str:
    before = text[:index]
    ended = before if before.endswith("\n") else before + newline
    return f"{ended}{indent}{line}{newline}{text[index:]}"


def _into_braces(text: str, value: yaml.MappingNode, line: Line) -> str:
    index = value.end_mark.index - 1
    return f"{text[:index].rstrip(' ')}{', ' if value.value else ''}{line}{text[index:]}"


def _at_the_end(text: str, section: str, newline: str) -> str:
    if text and not text.endswith("\n"):
        text += newline
    return f"{text}{newline if text else ''}{section}"


@contextmanager
def _beside(path: Path, line: Line) -> Iterator[tuple[Path, CameraOptions]]:
    """The new file beside the old one, read and compared; it is gone afterwards, unless it took the old one's place."""
    at = path.resolve()
    old = load(at if at.exists() else None, env=_environment(line))
    _refuse_taken(old, line)
    beside = at.with_name(f".{at.name}.{os.getpid()}.tmp")
    try:
        _save(beside, inserted(text_of(at), line), at)
        yield beside, _read_back(beside, path, old, line)
    except OSError as error:
        raise SettingsError(_paste(line, f"cannot write into {path.parent}: {error.strerror}")) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _save(beside: Path, text: str, like: Path) -> None:
    """On the disk, with the mode and owner of `like`. Raises OSError."""
    with beside.open("wb") as file:
        if like.exists():
            there = like.stat()
            os.fchmod(file.fileno(), there.st_mode & 0o7777)
            with suppress(PermissionError):
                os.fchown(file.fileno(), there.st_uid, there.st_gid)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _read_back(beside: Path, path: Path, old: Settings, line: Line) -> CameraOptions:
    """Raises SettingsError unless the new file says what the old one said, in its order, and this camera."""
    try:
        new = load(beside, env=_environment(line))
        same = _without(new.values, line.name) == _without(old.values, line.name) and _order(new)[:-1] == _order(old)
    except SettingsError as error:
        raise SettingsError(_paste(line, "its place in the settings file is not clear")) from error
    if not same:
        raise SettingsError(_paste(line, "its place in the settings file is not clear"))
    try:
        return _camera(Settings(new.values, old.origin), line)
    except SettingsError as error:  # it was read beside: people know it by its own name
        raise SettingsError(str(error).replace(str(beside), str(path))) from error


def _camera(settings: Settings, line: Line) -> CameraOptions:
    """Of this line alone: what other cameras lack (a variable, say) is no reason to refuse it."""
    ours = {key: value for key, value in settings.values["sources"].items() if key in (DEFAULTS, line.name)}
    return Settings({"sources": ours}, settings.origin).read(SourcesConfig).sources.cameras[line.name]


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section without an entry is no section."""
    sources = {key: value for key, value in (values.get("sources") or {}).items() if key != name}
    rest = {key: value for key, value in values.items() if key != "sources"}
    return {**rest, "sources": sources}


def _order(settings: Settings) -> list[str]:
    return list(settings.values.get("sources") or {})


def _refuse_taken(settings: Settings, line: Line) -> None:
    if line.name in _order(settings):
        raise SettingsError(f"there is a source {line.name!r} already in {settings.origin}: say another --name")


def _environment(line: Line) -> dict[str, str]:
    return {**os.environ, **line.variables}


def _paste(line: Line, why: str) -> str:
    return f"{why}; nothing was written. Below `sources:` belongs: {line}"
