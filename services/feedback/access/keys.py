"""API keys: who is calling?

Promises: compares digests, all of them, in constant time, so that neither a key nor its length shows in the timing.
"""

import hashlib
import hmac
from collections.abc import Mapping

from pydantic import SecretStr

from services.feedback.access.caller import LOCAL, Caller
from services.feedback.refusals import NotAuthenticated


class Keys:
    """The callers of the settings, by the digest of their key."""

    def __init__(self, api_keys: Mapping[str, SecretStr]) -> None:
        self._digests = {name: _digest(key.get_secret_value().encode()) for name, key in api_keys.items()}

    def caller(self, key: bytes | None) -> Caller:
        """Whom the key belongs to; LOCAL, who may do all, where the settings have no keys. Raises NotAuthenticated."""
        if not self._digests:
            return Caller(LOCAL)
        given = _digest(key or b"")
        names = [name for name, digest in self._digests.items() if hmac.compare_digest(digest, given)]
        if not names:
            got = "none" if key is None else "one that is not in the settings"
            raise NotAuthenticated(
                f"expected an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`, got {got}; "
                "keys stand under feedback.api_keys in the settings",
                "Authorization",
            )
        return Caller(names[0])


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
