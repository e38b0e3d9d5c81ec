"""API keys: who is calling?

Promises: knows no key, only hashes, and compares all of them in constant time, so that neither a key nor its length shows in
the timing. Plain SHA-256 is enough for keys that `new_key` made: nobody guesses 256 random bits, so there is nothing that a
slow hash could slow down (which is what it is for, with passwords that people think up), and each request pays for it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from services.feedback.access.caller import LOCAL, Caller
from services.feedback.config import ApiKey
from services.feedback.refusals import NotAuthenticated

KEY_BYTES = 32
EXPECTED = "expected an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`"


class Keys:
    """The callers of the settings, by the hash of their key."""

    def __init__(self, api_keys: Mapping[str, ApiKey]) -> None:
        self._hashes = {name: bytes.fromhex(key.sha256.get_secret_value()) for name, key in api_keys.items()}
        self._callers = {name: Caller(name, frozenset(key.scopes), key.sources) for name, key in api_keys.items()}

    def caller(self, key: bytes | None) -> Caller:
        """Whom the key belongs to; LOCAL, who may do all, where the settings have no keys. Raises NotAuthenticated."""
        if not self._hashes:
            return Caller(LOCAL)
        given = hashlib.sha256(key or b"").digest()
        names = [name for name, known in self._hashes.items() if hmac.compare_digest(known, given)]
        if not names:
            got = "none" if key is None else "one that is not in the settings"
            raise NotAuthenticated(f"{EXPECTED}, got {got}; keys stand under feedback.api_keys", "Authorization")
        return self._callers[names[0]]

    def named(self, name: str) -> tuple[Caller, bytes] | None:
        """A caller and the hash of its key, which signs its links; None for one that is not in the settings."""
        if not self._hashes:
            return (Caller(LOCAL), b"") if name == LOCAL else None
        return (self._callers[name], self._hashes[name]) if name in self._callers else None


def new_key() -> str:
    """A fresh key of 256 random bits, as text without spaces."""
    return secrets.token_urlsafe(KEY_BYTES)


def hash_of(key: str) -> str:
    """What the settings keep of a key, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()
