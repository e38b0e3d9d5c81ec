"""One request to the service, and its answer or a GleanerError.

Promises: whatever comes back, also from a proxy in between, is JSON or an error with a code.
"""

# The first connection would import it, in the sender's thread: a process forked at that moment would wait for ever for the
# lock of an import whose thread it does not have.
import encodings.idna  # noqa: F401
import time
from collections.abc import Mapping
from typing import Any

import httpx

from gleaner.errors import GleanerError, Refused, Unavailable

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may do."""
LEAST_PAUSE_S, FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 0.5, 30.0


class Asking:
    """The connection. Any thread may ask."""

    def __init__(self, url: str, key: str | None, timeout_s: float, transport: httpx.BaseTransport | None) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url: expected http://HOST:PORT or https://..., got {url!r}")
        if key is not None and any(char.isspace() or not char.isprintable() for char in key):
            raise ValueError(
                "key: expected an API key without spaces and line ends; one that a file holds needs .strip()"
            )
        self._url, self._timeout_s, self._transport = url, timeout_s, transport
        self._headers = {b"User-Agent": b"gleaner-client"}
        if key:
            self._headers[b"Authorization"] = f"Bearer {key}".encode()
        self._client = self._open()
        self._is_parents = False

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """The answer's JSON. Raises Refused, Unavailable."""
        if self._is_parents:
            raise Refused(
                "forked", "its transport has the parent's connections: make a Gleaner in this process", "transport"
            )
        if self._client.is_closed:
            raise GleanerError("closed", "this client was closed", "client")
        try:
            response = self._client.request(method, path, **request)
        except (httpx.LocalProtocolError, UnicodeEncodeError) as error:
            raise Refused("invalid_request", f"it cannot be sent like that: {error}", "request") from error
        except httpx.RequestError as error:
            raise Unavailable(
                "no_answer", f"{self._url} does not answer: {type(error).__name__}: {error}", "url"
            ) from error
        if response.is_success:
            return _json(response)
        raise _error(response)

    def ask_patiently(self, method: str, path: str, patience_s: float, **request: Any) -> Any:
        """The same, tried again while the service is unavailable, for that long."""
        until_s = time.monotonic() + patience_s
        for attempt in range(1_000_000):
            try:
                return self.ask(method, path, **request)
            except Unavailable as error:
                pause = pause_s(attempt, error)
                if time.monotonic() + pause > until_s:
                    raise
                time.sleep(pause)
        raise AssertionError("each attempt has a pause, so patience ends")

    def reopen(self) -> None:
        """In a process that was forked off: its parent goes on with the connections that are open.

        A transport of the application's cannot be made anew here, and two processes on one connection would take each
        other's answers: with one, this client is the parent's alone.
        """
        self._is_parents = self._transport is not None
        if not self._is_parents:
            self._client = self._open()

    def close(self) -> None:
        self._client.close()

    def _open(self) -> httpx.Client:
        return httpx.Client(
            base_url=self._url, headers=self._headers, timeout=self._timeout_s, transport=self._transport
        )


def pause_s(attempt: int, error: Unavailable) -> float:
    """How long to wait after this many failures: what the service asked for, or twice as long each time."""
    if error.retry_after_s is not None:
        return min(max(error.retry_after_s, LEAST_PAUSE_S), LONGEST_PAUSE_S)
    return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt, 16)))


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise Refused("no_json", "the answer is no JSON: is this Gleaner's address?", "url") from error


def _error(response: httpx.Response) -> GleanerError:
    code, message, where = _told(response)
    if response.status_code in AGAIN:
        return Unavailable(code, message, where, _retry_after_s(response))
    return Refused(code, message, where, response.status_code)


def _told(response: httpx.Response) -> tuple[str, str, str]:
    """code, message and where; of somebody else's answer its status."""
    try:
        error: Mapping[str, Any] = response.json()["error"]
        return str(error["code"]), str(error["message"]), str(error["where"])
    except (ValueError, KeyError, TypeError):
        return f"http_{response.status_code}", f"{response.url.host} answered {response.status_code}", "url"


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds; a date, which the service never sends, is left to the usual pause."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None
