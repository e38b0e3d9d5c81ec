"""Caller: who is calling, what they may do, and of which sources.

Promises: says no by raising; a message never tells what another caller may do.
"""

from dataclasses import dataclass
from typing import Literal

from services.feedback.refusals import NotAllowed
from shared.settings import is_among

Scope = Literal["judge", "read", "admin"]
"""judge: verdicts, exposures, frames, links. read: predictions, images, samples, accuracy. admin: all of that, and more."""
SCOPES: tuple[Scope, ...] = ("judge", "read", "admin")
USUAL_SCOPES: tuple[Scope, ...] = ("judge", "read")
"""Of a key that does not say which."""
May = Literal["judge", "expose", "image"]
"""What a signed link is good for."""
LOCAL = "local"
"""The caller's name where no key is asked for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` stands in each of its verdicts. `sources`: globs; none: all.

    Of a link, whose maker `name` is: `prediction_id`, the one that it speaks of; `may`, what it is good for; and perhaps
    the `reviewer` in whose name it judges, whatever a body says.
    """

    name: str
    scopes: frozenset[Scope] = frozenset(SCOPES)
    sources: tuple[str, ...] = ()
    prediction_id: str | None = None
    may: frozenset[May] = frozenset()
    reviewer: str | None = None

    @property
    def is_link(self) -> bool:
        return self.prediction_id is not None

    @property
    def space(self) -> str:
        """Where its idempotency keys live: those of a link do not meet its maker's."""
        return self.name if self.prediction_id is None else f"{self.name}\0{self.prediction_id}"

    def check_scope(self, scope: Scope) -> None:
        """Raises NotAllowed."""
        if scope not in self.scopes and "admin" not in self.scopes:
            raise NotAllowed(f"expected a key with the scope {scope}", "Authorization")

    def check_link(self, act: May | None) -> None:
        """Whether a link may do this; `None`: no link may. A key may always. Raises NotAllowed."""
        if self.is_link and (act is None or act not in self.may):
            raise NotAllowed("this link is not for that; expected an API key", "Authorization")

    def sees(self, source_id: str) -> bool:
        return not self.sources or is_among(source_id, self.sources)

    def check_source(self, source_id: str) -> None:
        """For a source that the caller names. Raises NotAllowed; for a prediction's, ask `Lookup.prediction_for`."""
        if not self.sees(source_id):
            raise NotAllowed("this key is for other sources", "Authorization")

    def check_prediction(self, prediction_id: str) -> None:
        """Raises NotAllowed: a link speaks of one prediction."""
        if self.prediction_id is not None and self.prediction_id != prediction_id:
            raise NotAllowed("this link is for another prediction", "prediction_id")
