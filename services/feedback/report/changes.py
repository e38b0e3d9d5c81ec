"""Changes: what is not as it was in the last report, figures beside each other. Pure, but for reading the folder.

Promises: a file that is no report is passed over, and named.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from services.feedback.report import words
from services.feedback.report.content import Changes, Report, Row

_NAMED = re.compile(r"report-\d{4}-\d{2}-\d{2}\.json")


def last_report(folder: Path, name: str, collection: str, passed_over: Callable[[str], None]) -> Report | None:
    """The newest in the folder of an earlier day than the file `name`, of the same collection."""
    if not folder.is_dir():
        return None
    earlier = (one for one in folder.iterdir() if _NAMED.fullmatch(one.name) and one.name < name)
    for path in sorted(earlier, reverse=True):
        try:
            report = Report.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            passed_over(f"{path}: not a report that can be read ({type(error).__name__}); passed over")
            continue
        if report.collection == collection:
            return report
    return None


def changes(now: Report, before: Report) -> Changes:
    return Changes(
        since=before.made_at,
        rows=tuple(_rows(now, before)),
        new=_beside(now, before),
        gone=_beside(before, now),
    )


def _rows(now: Report, before: Report) -> Sequence[Row]:
    told = zip(words.summary(now), words.summary(before), strict=True)
    return [Row(name=name, now=value, before=earlier) for (name, value), (_, earlier) in told]


def _beside(one: Report, other: Report) -> dict[str, tuple[str, ...]]:
    """What the one has and the other has not."""
    found = {kind: tuple(sorted(set(names) - set(_names(other)[kind]))) for kind, names in _names(one).items()}
    return {kind: names for kind, names in found.items() if names}


def _names(report: Report) -> dict[str, tuple[str, ...]]:
    versions = tuple(str(one.version) for one in report.versions)
    return {"sources": report.sources, "classes": report.classes, "model versions": versions}
