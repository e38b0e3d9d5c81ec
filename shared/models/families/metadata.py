"""What exporters write into a file's metadata: Python literals as text (`{0: 'door'}`, `[640, 640]`, `True`).

Promises: a missing or unreadable value gives the documented default; class names are complete or refused.
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import SettingsError

DEFAULT_SIZE_PX = (640, 640)
DEFAULT_STRIDE = 32
MOST_STRIDE_PX = 65_536
MOST_CLASSES = 100_000
MOST_NAME_CHARS = 256
"""Names travel with each box: longer ones would leave no room for boxes."""


def literal(metadata: Mapping[str, str], key: str, default: Any = None) -> Any:
    """The value as Python wrote it: 'False' is False. The default where there is none, or none that Python reads."""
    try:
        return ast.literal_eval(metadata[key])
    except (KeyError, ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return default


def image_size_px(metadata: Mapping[str, str]) -> tuple[int, int]:
    """(width, height) of `imgsz`, which is [height, width]."""
    match literal(metadata, "imgsz"):
        case [int(height), int(width)] if height > 0 and width > 0:
            return width, height
        case int(side) if side > 0:
            return side, side
    return DEFAULT_SIZE_PX


def stride_px(metadata: Mapping[str, str]) -> int:
    match literal(metadata, "stride"):
        case int(stride) | float(stride) if 1 <= stride <= MOST_STRIDE_PX:
            return int(stride)
    return DEFAULT_STRIDE


def class_names(
    metadata: Mapping[str, str],
    override: Sequence[str] | Mapping[int, str] | None,
    classes: int | None,
    base: int | None = None,
) -> tuple[str, ...]:
    """A name for each class: as said beside the file, else in the file, else `class0`, `class1`. Raises SettingsError.

    `classes` None: as many as are named, since the outputs do not tell. `base`: the number of a list's first name.
    """
    known = override if override is not None else literal(metadata, "names")
    if known is None:
        return tuple(f"class{index}" for index in range(classes or 0))
    where = "model.names" if override is not None else "the file's metadata"
    if not isinstance(known, Mapping | list | tuple):
        raise SettingsError(f"{where}: expected a list of class names or a map id: name, got {known!r}")
    names = dict(known) if isinstance(known, Mapping) else dict(enumerate(known, base or 0))
    if not all(isinstance(index, int) and 0 <= index < MOST_CLASSES for index in names):
        raise SettingsError(
            f"{where}: expected class numbers from 0 to {MOST_CLASSES - 1:,}, got {str([*names])[:200]}"
        )
    if classes is None:
        return tuple(_name(names.get(index, f"class{index}"), where) for index in range(max(names, default=-1) + 1))
    if base and not isinstance(known, Mapping):
        names = {**{index: f"class{index}" for index in range(base)}, **names}
    if set(names) != set(range(classes)):
        raise SettingsError(f"the model has {classes} classes, {where} names {len(names)}: {_first(names)}")
    return tuple(_name(names[index], where) for index in range(classes))


def _name(said: Any, where: str) -> str:
    """As text that can travel. Raises SettingsError."""
    name = str(said)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise SettingsError(f"{where}: expected class names that are text, got {name[:20]!a}") from error
    if len(name) > MOST_NAME_CHARS:
        raise SettingsError(
            f"{where}: expected class names of at most {MOST_NAME_CHARS} characters, got one of {len(name):,}: {name[:20]}…"
        )
    return name


def _first(names: Mapping[int, Any]) -> str:
    return ", ".join(f"{index}: {str(names[index])[:40]!r}" for index in sorted(names)[:5])
