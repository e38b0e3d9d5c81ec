"""Does a command print what the page shows?

Promises: every line that the page shows is printed, in that order; other lines may stand between them. What differs from
run to run is not compared: numbers, ids, times, the width of columns, rules of tables. `…` stands for any text.
"""

import re

_STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_ID = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{8,}\b")
_NUMBER = re.compile(r"\d[\d.,:]*\d|\d")
_RULES = re.compile(r"[─━╸╺╴╶]+")


def missing(shown: str, printed: str) -> str | None:
    """The first line of the page's that was not printed in its turn; None: all were."""
    said = iter([_common(line) for line in re.split(r"[\r\n]+", printed)])
    for line in filter(str.strip, shown.splitlines()):
        pattern = _pattern(line)
        if not any(pattern.fullmatch(one) for one in said):
            return line
    return None


def _pattern(line: str) -> "re.Pattern[str]":
    parts = (re.escape(part) for part in re.split(r" ?… ?", _common(line)))
    return re.compile(".*".join(parts))


def _common(line: str) -> str:
    """The line without what differs from run to run."""
    line = _RULES.sub("─", _STYLE.sub("", line))
    line = _NUMBER.sub("0", _ID.sub("ID", line))
    return re.sub(r"\s+", " ", line).strip()
