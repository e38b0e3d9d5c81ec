"""A record: one message as it lies in a stream, with the place and the time that the log gave it.

Promises: immutable. `time_ms` is the log's append time in UTC milliseconds, the one clock of every decision about a frame.
"""

from dataclasses import dataclass

Headers = tuple[tuple[str, bytes], ...]
Partition = tuple[str, int]
"""(stream name, partition number)."""


@dataclass(frozen=True, slots=True)
class Record:
    stream: str
    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def where(self) -> str:
        return f"{self.stream}/{self.partition}@{self.offset}"

    @property
    def source(self) -> Partition:
        return self.stream, self.partition

    def header(self, name: str) -> str | None:
        """The last header of that name as text (bytes that are no UTF-8 are replaced), None without one."""
        for key, value in reversed(self.headers):
            if key == name:
                return value.decode("utf-8", "replace")
        return None


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A message on its way into a stream. `partition=None` lets the partitioner decide by the key."""

    stream: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: Headers = ()
