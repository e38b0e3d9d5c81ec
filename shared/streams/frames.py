"""`frames`: the encoded image itself (JPEG, PNG, WebP), keyed by its source. Any Kafka client is a producer.

Promises: `decode` looks at key and headers and hashes the bytes; it decodes no pixels. Headers, all optional:
producer_frame_id, captured_at, frame_index, content-type, traceparent, predicted_by.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import InvalidMessage
from shared.streams import ids
from shared.streams.record import Headers, NewRecord, Record
from shared.streams.stream import HOUR_S, Stream

MAX_FRAME_BYTES = 2_000_000
MAX_SOURCE_ID_BYTES = 16_384
UNNAMED_SOURCE = "unnamed"
MAX_TIME_MS = 253_402_300_800_000
"""The year 10,000, where calendars end."""


class FrameRef(BaseModel):
    """Where the pixels lie in the log; what a prediction carries instead of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stream: Literal["frames"] = Field(description="name of the stream that holds the frame")
    partition: int = Field(ge=0, lt=2**31)
    offset: int = Field(ge=0, lt=2**63 - 1)
    time_ms: int = Field(ge=0, lt=MAX_TIME_MS, description="the frame's log time, UTC milliseconds")
    frame_id: str = Field(min_length=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the image's bytes")
    size: int = Field(ge=0, description="of the image, in bytes")


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded image from a source at an instant."""

    ref: FrameRef
    source_id: str
    image: bytes
    producer_frame_id: str | None = None
    captured_at: str | None = None
    frame_index: int | None = None
    content_type: str | None = None
    predicted_by: str | None = None


def decode(record: Record) -> Frame:
    """Raises InvalidMessage for a frame without bytes, past MAX_FRAME_BYTES, or with a key that is no UTF-8."""
    image = record.value or b""
    if not image:
        raise InvalidMessage(f"frame at {record.where} is empty: expected an encoded image as the record's value")
    if len(image) > MAX_FRAME_BYTES:
        raise InvalidMessage(f"frame at {record.where} has {len(image):,} bytes, at most {MAX_FRAME_BYTES:,} are taken")
    source_id = _source_id(record)
    producer_frame_id = record.header("producer_frame_id")
    sha256 = hashlib.sha256(image).hexdigest()
    frame_id = ids.frame_id(
        source_id, producer_frame_id, sha256, time_ms=record.time_ms, partition=record.partition, offset=record.offset
    )
    ref = FrameRef(
        stream="frames",
        partition=record.partition,
        offset=record.offset,
        time_ms=record.time_ms,
        frame_id=frame_id,
        sha256=sha256,
        size=len(image),
    )
    return Frame(
        ref=ref,
        source_id=source_id,
        image=image,
        producer_frame_id=producer_frame_id,
        captured_at=record.header("captured_at"),
        frame_index=_frame_index(record),
        content_type=record.header("content-type"),
        predicted_by=record.header("predicted_by"),
    )


def new_frame(
    source_id: str,
    image: bytes,
    *,
    producer_frame_id: str | None = None,
    captured_at: str | None = None,
    frame_index: int | None = None,
    content_type: str | None = None,
) -> NewRecord:
    """A frame on its way into the log, with the headers that are known."""
    known = {
        "producer_frame_id": producer_frame_id,
        "captured_at": captured_at,
        "frame_index": None if frame_index is None else str(frame_index),
        "content-type": content_type,
    }
    headers: Headers = tuple((name, value.encode()) for name, value in known.items() if value is not None)
    return NewRecord(FRAMES.name, source_id.encode(), image, headers=headers)


def _source_id(record: Record) -> str:
    if record.key is None or record.key == b"":
        return UNNAMED_SOURCE
    if len(record.key) > MAX_SOURCE_ID_BYTES:
        raise InvalidMessage(
            f"source id at {record.where} has {len(record.key):,} bytes, at most {MAX_SOURCE_ID_BYTES:,}"
        )
    try:
        return record.key.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidMessage(
            f"source id (the record's key) at {record.where} is no UTF-8: {record.key[:40]!r}"
        ) from error


def _frame_index(record: Record) -> int | None:
    text = record.header("frame_index")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidMessage(f"header frame_index at {record.where}: expected a whole number, got {text[:40]!r}")
    return int(text)


FRAMES = Stream(
    name="frames",
    about="the encoded images, as the cameras' producers wrote them",
    key="source id",
    written_by=("any producer", "feedback"),
    read_by=("inference", "sampler"),
    decode=decode,
    retention_s=6 * HOUR_S,
    retention_bytes=8 * 1024**3,
    fsync=False,
    max_message_bytes=2_097_152,
    segment_bytes=268_435_456,
    segment_s=600,
)
