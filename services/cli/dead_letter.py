"""A dead letter as a person wants to see it: where it lies, where it came from, when, and why.

Promises: reading bounded by `limit`, newest first. Nothing in it is trusted: any program may write to these streams.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.cli.output import printable
from shared.errors import SettingsError
from shared.ports.log import Log, Reader
from shared.streams import DLQ_SUFFIX, STREAMS
from shared.streams.dead_letters import PREFIX
from shared.streams.record import Record

PREVIEW_CHARS = 500
_PREVIEW_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Summary:
    """`where` is the dead letter's own place, `original` that of the record which could not be processed."""

    where: str
    original: str
    when: str
    error: str
    message: str
    key: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    record: Record

    @property
    def summary(self) -> Summary:
        return Summary(
            where=self.record.where,
            original=f"{self.cause('topic')}/{self.cause('partition')}@{self.cause('offset')}",
            when=_utc(self.record.time_ms),
            error=self.cause("exception.class.name"),
            message=self.cause("exception.message"),
            key=printable((self.record.key or b"").decode("utf-8", "backslashreplace")),
        )

    @property
    def headers(self) -> dict[str, str]:
        return {
            name: printable(value.decode("utf-8", "backslashreplace"), 2_000) for name, value in self.record.headers
        }

    @property
    def value_bytes(self) -> int:
        return len(self.record.value or b"")

    @property
    def value_preview(self) -> str:
        text = (self.record.value or b"")[:_PREVIEW_BYTES].decode("utf-8", "backslashreplace")
        return printable(text, PREVIEW_CHARS)

    def cause(self, name: str) -> str:
        return printable(self.record.header(PREFIX + name) or "?", 300)


def newest(log: Log, streams: Sequence[str] | None, limit: int) -> list[DeadLetter]:
    """The newest `limit` of each dead-letter stream (None: of all), newest first. Raises Unavailable."""
    names = [name for name in STREAMS if name.endswith(DLQ_SUFFIX)] if streams is None else streams
    reader = log.reader()
    try:
        return [letter for name in names for letter in _newest_of(log, reader, name, limit)]
    finally:
        reader.close()


def read(log: Log, stream: str, partition: int, offset: int) -> DeadLetter:
    """Raises SettingsError (no such partition), Expired, NeverWritten, Unavailable."""
    partitions = log.partitions(stream)
    if partition >= partitions:
        raise SettingsError(f"{stream} has {partitions} partitions: there is no partition {partition}")
    reader = log.reader()
    try:
        return DeadLetter(reader.read(stream, partition, offset))
    finally:
        reader.close()


def _newest_of(log: Log, reader: Reader, stream: str, limit: int) -> list[DeadLetter]:
    records = [
        record
        for partition, at in log.bounds(stream).items()
        for record in reader.scan(stream, partition, max(at.start, at.end - limit), at.end)
    ]
    records.sort(key=lambda record: (record.time_ms, record.offset), reverse=True)
    return [DeadLetter(record) for record in records[:limit]]


def _utc(time_ms: int) -> str:
    from services.sources.picture import rfc3339

    return rfc3339(time_ms / 1000)
