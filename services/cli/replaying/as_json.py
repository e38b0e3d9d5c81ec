"""A replay as JSON. Pure."""

import dataclasses
from typing import Any

from services.cli.replaying.report import SHOWN, Counted, Report, spread
from services.sampler.replay.drawn import Drawn


def as_object(report: Report) -> dict[str, Any]:
    replayed, changed = report.replayed, report.changed
    return {
        "since_ms": replayed.span.start_ms,
        "until_ms": replayed.span.end_ms,
        "predictions": replayed.frames,
        "same_settings": report.new is None,
        "checked": dataclasses.asdict(replayed.checked),
        "old": _counted(report.old),
        "new": None if report.new is None else _counted(report.new),
        "changed": None
        if changed is None
        else {
            "both": changed.both,
            "gained": len(changed.gained),
            "lost": len(changed.lost),
            "gained_examples": [_example(one) for one in spread(changed.gained, SHOWN)],
            "lost_examples": [_example(one) for one in spread(changed.lost, SHOWN)],
        },
    }


def _counted(side: Counted) -> dict[str, Any]:
    return dataclasses.asdict(side)


def _example(one: Drawn) -> dict[str, Any]:
    return dataclasses.asdict(one)
