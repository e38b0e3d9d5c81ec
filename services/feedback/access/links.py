"""Signed links: for one prediction and a while, somebody without a key may judge it.

Promises: only who knows the salt can make one. It dies at its time, and when its maker's key leaves the settings or changes.
No draw can be worked out from a link, nor the other way round: the signing key is a hash of the salt in a domain of its own.
"""

import base64
import hashlib
import hmac
from typing import Annotated

from pydantic import Field, ValidationError

from services.feedback.access.caller import Caller, May
from services.feedback.access.keys import EXPECTED, Keys
from services.feedback.config import LINK_PREFIX
from services.feedback.refusals import LinkExpired, NotAuthenticated
from shared.settings import Config

DOMAIN = b"gleaner-link"
MAC_BYTES = 32
MOST_TOKEN_CHARS = 2_048


class Grant(Config):
    """What a token says. Signed, not secret: whoever has the link can read it."""

    prediction_id: str = Field(min_length=1, max_length=64)
    by: str = Field(description="the maker's name")
    expires_ms: int = Field(ge=0)
    may: tuple[May, ...] = Field(min_length=1)
    reviewer: Annotated[str, Field(max_length=200)] | None = None


class Links:
    """Signs and reads tokens: `link.GRANT.MAC`, both in base64url."""

    def __init__(self, keys: Keys, salt: bytes) -> None:
        self._keys = keys
        self._salt = salt

    def token(self, grant: Grant) -> str:
        """Raises NotAuthenticated for a maker that is not in the settings."""
        text = _encoded(grant.model_dump_json(exclude_none=True).encode())
        return f"{LINK_PREFIX}{text}.{_encoded(self._mac(grant.by, text))}"

    def caller(self, token: str, now_ms: int) -> Caller:
        """Who calls with this link: its maker, as far as the link goes. Raises NotAuthenticated, LinkExpired."""
        grant = self._checked(token)
        if now_ms >= grant.expires_ms:
            raise LinkExpired("this link was good until a while ago; ask where you have it from for a new one", "token")
        maker = self._maker(grant.by)[0]
        reviewer = grant.reviewer
        return Caller(
            maker.name, maker.scopes, maker.sources, grant.prediction_id, frozenset(grant.may), reviewer=reviewer
        )

    def _checked(self, token: str) -> Grant:
        try:
            text, _, mac = token.removeprefix(LINK_PREFIX).partition(".")
            grant = Grant.model_validate_json(_decoded(text))
            given = _decoded(mac)
        except (ValueError, ValidationError) as error:
            raise _forged() from error
        if len(token) > MOST_TOKEN_CHARS or not hmac.compare_digest(self._mac(grant.by, text), given):
            raise _forged()
        return grant

    def _mac(self, maker: str, text: str) -> bytes:
        """Keyed by salt, maker's name and the hash of the maker's key: a key that changes takes its links along."""
        name, key_hash = maker.encode(), self._maker(maker)[1]
        material = len(name).to_bytes(8, "big") + name + key_hash
        signing = hashlib.blake2b(material, key=self._salt[:64], person=DOMAIN, digest_size=MAC_BYTES).digest()
        return hmac.digest(signing, text.encode(), "sha256")

    def _maker(self, name: str) -> tuple[Caller, bytes]:
        known = self._keys.named(name)
        if known is None:
            raise _forged()
        return known


def is_link(credential: str) -> bool:
    return credential.startswith(LINK_PREFIX)


def _forged() -> NotAuthenticated:
    return NotAuthenticated(f"{EXPECTED}, or a link's token; got a token that nobody here has signed", "Authorization")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Raises ValueError for anything that `_encoded` cannot have made: one token has one form."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encoded(raw) != text:
        raise ValueError("not as it was encoded")
    return raw
