"""Objects: images that somebody else put into a store, and that frames refer to (`shared.streams.references`).

Buckets are other people's: nothing here lists, deletes or expires, and the settings' `prefix` is not put before anything. A
bucket and a key that `check_place` refuses raise ValueError. Every call is bounded in time and raises Unavailable when the
store does not answer, refuses access, or knows no such bucket: a person or time can mend each of these.
"""

from typing import Protocol


class Objects(Protocol):
    def get(self, bucket: str, key: str, max_bytes: int) -> bytes | None:
        """The bytes, whole, or None when there is no such object. Raises InvalidMessage when there are more of them.

        No more than `max_bytes` and one are ever read. Safe to call from several threads.
        """

    def size(self, bucket: str, key: str) -> int | None:
        """Of the object, in bytes, without reading it; None when there is no such object."""

    def put(self, bucket: str, key: str, data: bytes, content_type: str) -> None:
        """Stores the bytes, durable when it returns; the bucket is made with the first, where that is allowed."""

    def close(self) -> None: ...
