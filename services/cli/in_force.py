"""Which settings a running gleaner goes by: asked at its health page, told in sentences.

Promises: an address that does not answer is None, never an error.
"""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from services.cli import output
from shared.runtime.health import SETTINGS_PAGE

WAIT_S = 3.0


def ask(address: str) -> dict[str, Any] | None:
    """The version in force, why the file was refused, what waits for a start; None when nobody there takes settings up."""
    try:
        with urllib.request.urlopen(f"{address}{SETTINGS_PAGE}", timeout=WAIT_S) as answer:
            told = json.loads(answer.read())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and "version" in told else None


def refusal(told: Mapping[str, Any]) -> str | None:
    """Why the file as it is was not taken up, and what goes on; None: it was."""
    if not told.get("refused"):
        return None
    return f"refused while it runs, version {told['version']} goes on: {told['refused']}"


def sentences(told: Mapping[str, Any]) -> Iterator[str]:
    """For people."""
    refused = refusal(told)
    yield (
        f"! settings {refused}"
        if refused
        else f"settings: version {told['version']} ({told.get('origin')}) is in force"
    )
    waiting = waits(told)
    if waiting:
        yield f"settings: {waiting}"


def waits(told: Mapping[str, Any]) -> str | None:
    """What has changed in the file for services that read it at their start alone; None: nothing."""
    sections = told.get("at_next_start") or ()
    return (
        f"{', '.join(map(str, sections))} changed in the file and will hold from the next start" if sections else None
    )


def show(told: Mapping[str, Any]) -> None:
    for sentence in sentences(told):
        output.say(output.printable(sentence, 1_000))
    output.say()
