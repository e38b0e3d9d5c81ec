"""A finding: one line of the doctor's page.

Promises: whoever is not fine says what to do.
"""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, what was found there, and what to do about it (nothing when it is fine)."""

    looked_at: str
    state: State
    found: str
    todo: str = ""


def ok(looked_at: str, found: str) -> Finding:
    return Finding(looked_at, "ok", found)


def warning(looked_at: str, found: str, todo: str) -> Finding:
    return Finding(looked_at, "warning", found, todo)


def wrong(looked_at: str, found: str, todo: str) -> Finding:
    return Finding(looked_at, "wrong", found, todo)
