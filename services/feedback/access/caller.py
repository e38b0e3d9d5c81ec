"""Caller: who is calling, what they may do, and of which sources.

Promises: says no by raising; a message never tells what another caller may do.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from services.feedback.refusals import NotAllowed

Scope = Literal["judge", "read", "admin"]
"""judge: verdicts, exposures, frames. read: predictions, images, samples, accuracy. admin: links, and all of that."""
SCOPES: tuple[Scope, ...] = ("judge", "read", "admin")
LOCAL = "local"
"""The caller's name where no key is asked for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` stands in each of its verdicts. `sources`: globs; none: all. `prediction_id`: a link's, which speaks of one."""

    name: str
    scopes: frozenset[Scope] = frozenset(SCOPES)
    sources: tuple[str, ...] = ()
    prediction_id: str | None = None

    def check_scope(self, scope: Scope) -> None:
        """Raises NotAllowed."""
        if scope not in self.scopes and "admin" not in self.scopes:
            raise NotAllowed(f"expected a key with the scope {scope}", "Authorization")

    def sees(self, source_id: str) -> bool:
        return not self.sources or any(fnmatchcase(source_id, pattern) for pattern in self.sources)

    def check_source(self, source_id: str) -> None:
        """Raises NotAllowed."""
        if not self.sees(source_id):
            raise NotAllowed("this key is for other sources", "Authorization")

    def check_prediction(self, prediction_id: str) -> None:
        """Raises NotAllowed: a link speaks of one prediction."""
        if self.prediction_id is not None and self.prediction_id != prediction_id:
            raise NotAllowed("this link is for another prediction", "prediction_id")
