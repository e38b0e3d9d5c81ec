"""Camera lines: what a person types behind `gleaner init`, as cameras of the settings file.

Promises: names of their own; no secret is in a line, nor in an error: `line.py` sees to that.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from services.cli.cameras.line import Line, name_of, new_line
from services.sources.naming import unique
from shared.errors import SettingsError

_NUMBER = re.compile(r"\d+")


def camera_lines(sources: Sequence[str]) -> list[Line]:
    """One camera per source, in their order. Raises SettingsError."""
    addresses = [_address(source) for source in sources]
    lines: list[Line] = []
    for name, address in zip(unique([name_of(one) for one in addresses]), addresses, strict=True):
        lines.append(new_line(address, name, taken=" ".join(map(str, lines))))
    return lines


def _address(source: str) -> str:
    """A URL as it is; `0` is the first device; a file must be there."""
    if "://" in source or source.startswith("/dev/"):
        return source
    if _NUMBER.fullmatch(source):
        return f"/dev/video{source}"
    if Path(source).is_dir():
        raise SettingsError(
            f"{source} is a folder: a camera is an address, a device or a video file; "
            f"`gleaner run {source}` goes once through a folder's pictures"
        )
    if not Path(source).exists():
        raise SettingsError(f"no such file: {source}; expected rtsp://…, http://…, /dev/video0 or a video file")
    return source
