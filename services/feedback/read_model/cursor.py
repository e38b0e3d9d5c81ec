"""Cursors: where the next page begins, as text that nobody needs to understand.

Promises: a page after a cursor neither repeats nor skips what was there when it was given, whatever came since.
"""

import base64
import json
from dataclasses import dataclass

from services.feedback.refusals import InvalidRequest


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: what it was ordered by, and its id. `order` keeps a cursor to the order that it is of."""

    order: str
    key: float
    id: str

    def text(self) -> str:
        raw = json.dumps([self.order, self.key, self.id], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def parse(text: str | None, order: str) -> Cursor | None:
    """Raises InvalidRequest for anything that no answer in this order has given."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        given, key, row_id = json.loads(raw)
        row_id.encode()
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _unknown() from error
    numbers = isinstance(key, (int, float)) and not isinstance(key, bool) and abs(key) < 2**62
    if given != order or not numbers:
        raise _unknown()
    return Cursor(order, key, row_id)


def _unknown() -> InvalidRequest:
    return InvalidRequest("cursor: expected `next` of an earlier answer in the same order", "cursor")
