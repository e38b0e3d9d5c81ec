"""What an HTTP host's answer means: a table from status to error, and its own words.

Promises: pure; takes JSON in the shapes that hosts use, plain text and HTML; never raises for a strange body.
"""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.uploader.destinations.destination import Blocked, NotNow, Refused

LONGEST_RETRY_AFTER_S = 3600.0
_MOST_WORDS = 400
_BLOCKED = frozenset({401, 402, 403, 404, 423})
_NOT_NOW = frozenset({408, 425, 429})


def error_for_status(
    status: int, words: str, retry_after: str | None = None, now: datetime | None = None
) -> Refused | Blocked | NotNow:
    """The error that an HTTP answer stands for.

    401, 402, 403, 404, 423 and redirects: the whole destination is set up wrongly or paused → Blocked
    408, 425, 429, 5xx: later → NotNow (with the host's Retry-After)
    every other 4xx, and a 2xx that does not say yes: this image, never → Refused
    """
    said = f"{status}: {words}"
    if status in _BLOCKED or 300 <= status < 400:
        return Blocked(said)
    if status in _NOT_NOW or status >= 500:
        return NotNow(said, retry_after_s(retry_after, now))
    return Refused(said)


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds from a Retry-After header (a number or an HTTP date), at most an hour; None when it says nothing usable."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        seconds = _until(header, now or datetime.now(UTC))
    return min(seconds, LONGEST_RETRY_AFTER_S) if seconds > 0 else None


def _until(date: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()


def words_of(body: str) -> str:
    """What a host says is wrong: `{"error": {"message", "hint"}}`, `{"error": "text"}`, `{"message"}`, text, or HTML."""
    try:
        said = json.loads(body)
    except ValueError:
        return _short(re.sub(r"<[^>]*>", " ", body))
    error = said.get("error", said) if isinstance(said, dict) else said
    if isinstance(error, dict):
        parts = [str(error[key]) for key in ("message", "hint") if error.get(key)]
        return _short(" ".join(parts) or json.dumps(error))
    return _short(str(error))


def _short(text: str) -> str:
    return " ".join(text.split())[:_MOST_WORDS] or "no words"
