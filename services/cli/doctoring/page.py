"""The page: findings as lines of text.

Promises: a line per finding, what to do below it; text from outside moves no cursor.
"""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.cli.doctoring.finding import Finding
from services.cli.doctoring.redaction import Redactor, secrets_in
from services.cli.output import printable

NAME_CHARS = 22
MOST_CHARS = 1_000


def lines(finding: Finding) -> Iterator[str]:
    """What was looked at and found; then, where something is to be done, what."""
    yield f"{finding.looked_at:{NAME_CHARS}} {finding.found}"
    if finding.todo:
        yield f"{'':{NAME_CHARS}} → {finding.todo}"


def folded(line: str, width: int) -> list[str]:
    """A line of a finding in lines of at most `width` characters, all below where what was found begins.

    Words stay whole: an address or a command that is longer than a line is copied as it stands.
    """
    return textwrap.wrap(
        line, width, subsequent_indent=" " * (NAME_CHARS + 1), break_long_words=False, break_on_hyphens=False
    )


def text(findings: Sequence[Finding]) -> str:
    """The whole page as plain text."""
    rows = [
        f"{finding.state if first else '':8}{printable(line, MOST_CHARS)}"
        for finding in findings
        for first, line in ((number == 0, line) for number, line in enumerate(lines(finding)))
    ]
    return "\n".join([*rows, summary(findings), ""])


def summary(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.state for finding in findings)
    return f"{counts['wrong']} wrong, {counts['warning']} to look at, {counts['ok']} fine"


def without_secrets(findings: Sequence[Finding], values: Mapping[str, Any]) -> list[Finding]:
    """The findings, whatever a check let slip."""
    clean = Redactor(secrets_in(values)).text
    return [
        replace(one, looked_at=clean(one.looked_at), found=clean(one.found), todo=clean(one.todo)) for one in findings
    ]
