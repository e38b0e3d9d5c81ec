"""Many verdicts in one body: the body of POST /v1/verdicts/bulk.

Promises: what is wrong with one verdict is said of that one alone, with its number; what is wrong with the whole is an
InvalidRequest. As strict as a verdict that comes alone.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from services.feedback.idempotency import KEY, WithKey, key_taken_from, placed
from services.feedback.refusals import InvalidRequest
from services.feedback.verdicts.request import EXAMPLES as ONE
from services.feedback.verdicts.request import VerdictRequest, strict_json, validated
from shared.settings import Config

MOST = 1_000
EXAMPLES: dict[str, dict[str, Any]] = {
    "three": {
        "verdicts": [
            {**ONE["confirmed"], KEY: "shift-17/1"},
            {**ONE["rejected"], KEY: "shift-17/2"},
            ONE["missed"],
        ]
    }
}


class KeyedVerdict(VerdictRequest, WithKey):
    """A verdict, with a key of its own."""


class BulkRequest(Config):
    """Verdicts, in the order in which they were given."""

    verdicts: tuple[KeyedVerdict, ...] = Field(min_length=1, max_length=MOST)


@dataclass(frozen=True, slots=True)
class Keyed:
    """One verdict of a bulk that makes sense."""

    request: VerdictRequest
    key: str | None


Judgement = Keyed | InvalidRequest


def parse_bulk(body: bytes) -> Sequence[Judgement]:
    """Each verdict, or what is wrong with it. Raises InvalidRequest for what is no list of verdicts."""
    return [_judgement(number, verdict) for number, verdict in enumerate(listed(body, "verdicts"))]


def listed(body: bytes, name: str) -> list[Any]:
    """What stands in the list of this name, alone in the body. Raises InvalidRequest."""
    whole = strict_json(body)
    if not isinstance(whole, dict) or set(whole) != {name} or not isinstance(whole[name], list):
        raise InvalidRequest(f'expected {{"{name}": [...]}} and nothing beside it', name)
    found: list[Any] = whole[name]
    if not 1 <= len(found) <= MOST:
        raise InvalidRequest(f"{name}: expected 1 to {MOST:,} of them, got {len(found):,}", name)
    return found


def _judgement(number: int, verdict: object) -> Judgement:
    where = f"verdicts.{number}"
    if not isinstance(verdict, dict):
        return InvalidRequest(f"{where}: expected a verdict, {{…}}", where)
    try:
        key = key_taken_from(verdict)
        return Keyed(validated(json.dumps(verdict).encode()), key)
    except InvalidRequest as error:
        return placed(error, where)
