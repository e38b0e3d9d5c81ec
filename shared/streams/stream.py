"""What a stream is: a name, its retention and durability, and how one record of it is read.

Promises: `decode` gives a message or raises InvalidMessage with a reason a person can act on; it never raises anything else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import InvalidMessage
from shared.streams.record import Record

HOUR_S = 3600
DAY_S = 24 * HOUR_S


class Message(BaseModel):
    """The base of every JSON message: frozen, versioned; fields that it does not know are ignored."""

    # NaN has no JSON: what we wrote with one could never be read again.
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), allow_inf_nan=False)

    version: int = Field(default=1, ge=1, le=1, description="version of this message's form")

    def to_bytes(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream. `retention_s=None` keeps for ever; `retention_bytes` is per partition; `fsync` is the embedded log's."""

    name: str
    about: str
    key: str
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    decode: Callable[[Record], Any]
    retention_s: int | None = None
    retention_bytes: int | None = None
    compacted: bool = False
    fsync: bool = True
    max_message_bytes: int = 1_048_576
    segment_bytes: int | None = None
    segment_s: int | None = None


def json_decoder(model: type[Message]) -> Callable[[Record], Any]:
    """A `decode` for a stream of JSON messages of one model."""

    def decode(record: Record) -> Any:
        try:
            return model.model_validate_json(record.value or b"")
        except ValidationError as error:
            raise InvalidMessage(f"no {model.__name__} at {record.where}: {first_complaint(error)}") from error

    return decode


def check_placed(record: Record, frame_partition: int) -> None:
    """What speaks of a frame lies on the frame's partition number. Raises InvalidMessage."""
    if record.partition != frame_partition:
        raise InvalidMessage(
            f"{record.where} speaks of a frame on partition {frame_partition}: it must be written to that partition number"
        )


def rfc3339(time_ms: int) -> str:
    """A log time in UTC to the millisecond, as messages and answers tell it to people."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")


def first_complaint(error: ValidationError) -> str:
    """The first thing that is wrong, as `field: what` (the rest is rarely news)."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "message"
    got = repr(first.get("input"))
    return f"{where}: {first['msg']}, got {got if len(got) <= 80 else got[:77] + '...'}"
