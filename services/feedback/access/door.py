"""The door: from what a request carries to the caller that it comes from, no more often than allowed.

Promises: a link's token is never taken for a key, nor a key for a token; neither is ever part of a message.
"""

from services.feedback.access.caller import Caller
from services.feedback.access.keys import Keys
from services.feedback.access.links import Links, is_link
from services.feedback.access.rates import BURST, Rate
from shared.ports import Clock

LINK_PER_S = 2.0
LINK_BURST = 20.0
"""A page that shows one prediction asks for its image, tells that it was seen, and sends a verdict or two."""


class Door:
    """One for all routes of an application, so that they share a caller's rate."""

    def __init__(self, keys: Keys, salt: bytes, max_per_s: float, clock: Clock) -> None:
        self.links = Links(keys, salt)
        self._keys = keys
        self._clock = clock
        self._of_keys = Rate(max_per_s, max_per_s * BURST, clock.monotonic_s)
        self._of_links = Rate(LINK_PER_S, LINK_BURST, clock.monotonic_s)

    def caller(self, credential: bytes | None) -> Caller:
        """Raises NotAuthenticated, LinkExpired, TooMany."""
        if credential is not None and is_link(text := credential.decode("latin-1")):
            caller = self.links.caller(text, self._clock.now_ms())
            self._of_links.take(caller.space, "Authorization")
        else:
            caller = self._keys.caller(credential)
            self._of_keys.take(caller.name, "Authorization")
        return caller
