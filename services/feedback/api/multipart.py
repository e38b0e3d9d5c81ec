"""The parts of a multipart body, by name, each once and each within its limit.

Promises: whatever the bytes, the answer is the parts or a refusal; nothing is written to a disk.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.feedback.refusals import InvalidRequest, TooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


def parts(body: bytes, content_type: str, most_bytes: Mapping[str, int]) -> dict[str, bytes]:
    """`most_bytes`: the parts that there may be, and how large. Raises InvalidRequest, TooLarge."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    reading = _Reading(most_bytes)
    try:
        parser = MultipartParser(boundary, reading.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise InvalidRequest(f"body: expected multipart/form-data; {error}", "body") from error
    if not reading.ended:
        raise InvalidRequest("body: the last boundary is missing: it was cut off, or has another boundary", "body")
    return {name: bytes(part) for name, part in reading.parts.items()}


class _Reading:
    """What the parser has told so far."""

    def __init__(self, most_bytes: Mapping[str, int]) -> None:
        self._most_bytes = most_bytes
        self._field, self._value, self._name = b"", b"", ""
        self.parts: dict[str, bytearray] = {}
        self.ended = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._field, self._value, self._name = b"", b"", ""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._name = parse_options_header(self._value)[1].get(b"name", b"").decode("utf-8", "replace")
        self._field, self._value = b"", b""

    def _on_headers(self) -> None:
        expected = " and ".join(self._most_bytes)
        if self._name not in self._most_bytes:
            raise InvalidRequest(f"body: expected the parts {expected}, got one named {self._name[:80]!r}", "body")
        if self._name in self.parts:
            raise InvalidRequest(f"{self._name}: expected this part once, got it again", self._name)
        self.parts[self._name] = bytearray()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        part, most = self.parts[self._name], self._most_bytes[self._name]
        if len(part) + end - start > most:
            raise TooLarge(f"{self._name}: expected at most {most:,} bytes, got more", self._name)
        part += data[start:end]

    def _end(self) -> None:
        self.ended = True
