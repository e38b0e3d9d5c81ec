"""A replay as JSON. Pure."""

import dataclasses
from typing import Any

from services.cli.replaying.report import Report


def as_object(report: Report) -> dict[str, Any]:
    replayed, changed = report.replayed, report.changed
    return {
        "since_ms": replayed.covered.start_ms,
        "until_ms": replayed.covered.end_ms,
        "predictions": replayed.old.frames,
        "same_settings": report.new is None,
        "checked": dataclasses.asdict(replayed.checked),
        "old": dataclasses.asdict(report.old),
        "new": None if report.new is None else dataclasses.asdict(report.new),
        "changed": changed
        and {
            "both": changed.both,
            "gained": [dataclasses.asdict(one) for one in changed.gained],
            "lost": [dataclasses.asdict(one) for one in changed.lost],
        },
    }
