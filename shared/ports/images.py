"""Images: the image buffer. Chosen pixels wait here until every destination has acknowledged them.

Keys are paths of safe ASCII segments (`samples/default/2026-11-22/<id>.jpg`), built by `shared.streams`' users from ids and
checked by the adapter; the adapter puts its `prefix` before them. Every call is bounded in time and raises Unavailable
when the store does not answer, also when it is full for now; nothing is half-written, ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ImageInfo:
    key: str
    size: int
    modified_ms: int


class Images(Protocol):
    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Stores the bytes, durable when it returns. The same key again replaces them; the same bytes are a no-op."""

    def get(self, key: str) -> bytes | None:
        """The bytes, whole, or None when there are none."""

    def stat(self, key: str) -> ImageInfo | None: ...

    def delete(self, key: str) -> None:
        """Gone when it returns; nothing when it was not there."""

    def list(self, prefix: str = "") -> Iterator[ImageInfo]:
        """Every object whose key begins so, in the order of the keys."""

    def check(self) -> Sequence[str]:
        """What is wrong with the buffer as it is set up, in sentences; empty when all is well. Raises Unavailable."""

    def ping(self) -> None: ...

    def close(self) -> None: ...
