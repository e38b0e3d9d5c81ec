"""What a running gleaner says of its sources: asked at its health page, drawn as a table.

Promises: an address that does not answer is None, never an error: whoever looks at the streams is not kept from it.
"""

import json
import time
import urllib.request
from typing import Any

from services.cli import output
from shared.settings import Common

PAGE = "/sources"
WAIT_S = 3.0
SHOWN = 60


def address(common: Common, at: str | None) -> str | None:
    """Where the health page is: as the user says, else as the settings say; None when they want none."""
    if at is not None:
        return at.rstrip("/")
    host = "127.0.0.1" if common.health.host in ("0.0.0.0", "::") else common.health.host
    return f"http://{host}:{common.health.port}" if common.health.port else None


def ask(address: str) -> list[dict[str, Any]] | None:
    """Each source's state and counts; None when nobody answers there, or somebody without sources."""
    try:
        with urllib.request.urlopen(f"{address}{PAGE}", timeout=WAIT_S) as answer:
            told = json.loads(answer.read())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, list) else None


def show(reports: list[dict[str, Any]]) -> None:
    """Those that are not live first."""
    in_order = sorted(reports, key=lambda one: (one["state"] == "live", one["source_id"]))
    columns = ("source", "state", "for", "published", "dropped", "unusable", "reopened", "hung", "silent", "frozen")
    output.show_table("Cameras", columns, [_row(one) for one in in_order[:SHOWN]])
    for one in in_order[:SHOWN]:
        if one["why"]:
            output.say(f"{output.printable(one['source_id'], 60)}: {one['why']}")
    if len(in_order) > SHOWN:
        output.say(f"and {len(in_order) - SHOWN:,} more; --json has them all")
    output.say()


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    counts = [one[name] for name in ("published", "dropped", "refused", "reconnects", "hung", "silent", "frozen")]
    return (output.printable(one["source_id"], 60), one["state"], _duration(time.time() - one["since_s"]), *counts)


def _duration(seconds: float) -> str:
    """4 s, 4 min, 4.2 h."""
    seconds = max(0.0, seconds)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"
