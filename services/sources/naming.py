"""Names: what a source and its pictures are called when nobody says it.

Promises: source ids are valid UTF-8 and unique among the sources of one call; natural order puts frame2 before frame10.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from shared.errors import SettingsError
from shared.streams.frames import MAX_SOURCE_ID_BYTES

_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that reads runs of digits as numbers."""
    parts = _DIGITS.split(name)
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part.casefold()) for part in parts if part)


def readable(name: str) -> str:
    """The name as UTF-8 can carry it: bytes of a file name that are no UTF-8 are replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def own_name(path: Path, *, stem: bool) -> str:
    """What a folder or file is called, also when it is named as `.` or `..`."""
    whole = path.resolve()
    return readable(whole.stem if stem else whole.name) or "root"


def unique(names: Sequence[str]) -> list[str]:
    """The names in order, those that stand more than once with a suffix: door, door-2, door-3.

    No suffix makes a name that another one has already.
    """
    taken: set[str] = set()
    reserved = set(names)
    return [_free(name, taken, reserved) for name in names]


def _free(name: str, taken: set[str], reserved: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken or (number > 1 and candidate in reserved):
        number += 1
        candidate = f"{name}-{number}"
    taken.add(candidate)
    return candidate


def checked_source_id(source_id: str) -> str:
    """Raises SettingsError for an id that no record's key can hold."""
    try:
        size = len(source_id.encode())
    except UnicodeEncodeError as error:
        raise SettingsError("the source id is no UTF-8 text: expected letters, digits, any readable name") from error
    if not 0 < size <= MAX_SOURCE_ID_BYTES:
        raise SettingsError(f"the source id has {size:,} bytes: expected 1 to {MAX_SOURCE_ID_BYTES:,}")
    return source_id
