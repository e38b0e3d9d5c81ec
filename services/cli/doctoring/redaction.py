"""Redaction: takes secrets out of whatever is to be shown or sent.

Promises: every secret that the settings hold, in any spelling in which it may turn up (percent-encoded, in JSON, in a URL),
and credentials in any URL, known or not. What is shorter than four characters cannot be told from other text; in URLs it goes.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from pydantic import SecretStr

from shared.settings import MASK

SHORTEST = 4
IN_THE_OPEN = frozenset({"scopes", "sources"})
"""What else stands beside an API key, and is none. `read` is a scope, and a part of many a word."""
_SECRET = re.compile(r"secret|pass|pwd|token|salt|key|redis|cred|auth|sign", re.IGNORECASE)
_USER = re.compile(r"login|(^|_)user(_?name)?$", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^\s\"'<>]*(?=@)")
_QUERY = re.compile(r"(?<=[?&;])([^=&;\s\"'<>]+)=[^&;#\s\"'<>]+")
_IN_PATH = re.compile(r"(?<=[/_?&;])((?:user|login|pass\w*|pwd|token|key)=)[^/?#\s\"'<>]+", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://(.*)@", re.DOTALL)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")


def sounds_secret(name: str, users: bool = True) -> bool:
    """Whether what stands under this name is nobody else's business; `users`: names of users are not, either."""
    return bool(_SECRET.search(name)) or (users and bool(_USER.search(name)))


class Redactor:
    """Knows some secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
        longest_first = sorted((one for one in spellings if len(one) >= SHORTEST), key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        known = self._secrets.sub(MASK, text) if self._secrets else text
        return _URL.sub(lambda match: clean_url(match[0]), known)

    def value(self, value: Any) -> Any:
        """The same structure, every text in it redacted, names too."""
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def clean_url(url: str) -> str:
    """Without user, password, values of a query, and what some cameras take as a path."""
    return _IN_PATH.sub(rf"\g<1>{MASK}", _QUERY.sub(rf"\g<1>={MASK}", _CREDENTIALS.sub(MASK, url)))


def secrets_in(value: Any, users: bool = False, secret: bool = False) -> Iterator[str]:
    """Every text that stands under a name that sounds secret, however deep, and every secret part of a URL.

    `users`: names of users too. They may be words like any other, so this is for what leaves the machine.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            below = secret and not (name in IN_THE_OPEN and isinstance(inner, list | tuple))
            yield from secrets_in(inner, users, below or sounds_secret(str(name), users))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secrets_in(inner, users, secret)
    elif isinstance(value, str | SecretStr):
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        yield from [text] if secret else []
        yield from _secrets_of_url(text, users)


def _secrets_of_url(text: str, users: bool) -> Iterator[str]:
    # A whole value may hold a password with spaces and quotes in it; within a sentence these end an address.
    whole = _ADDRESS.match(text)
    for credentials in {*([whole[1]] if whole else []), *_CREDENTIALS.findall(text)}:
        user, _, password = credentials.partition(":")
        yield from (password, *([user] if users else []))
    for match in _QUERY.finditer(text):
        if sounds_secret(match[1], users):
            yield match[0].partition("=")[2]


def _spellings(secret: str) -> Iterator[str]:
    """As it may stand in a URL, in JSON, in a Python error."""
    for plain in {secret, unquote(secret), secret.strip()}:
        yield from (plain, quote(plain, safe=""), quote(plain), quote_plus(plain))
        yield from (json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1], repr(plain)[1:-1])
