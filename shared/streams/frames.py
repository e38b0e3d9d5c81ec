"""`frames`: the encoded image itself (JPEG, PNG, WebP) or a reference to it, keyed by its source. Any Kafka client will do.

Promises: `decode` looks at key and headers and hashes the bytes; it decodes no pixels and fetches nothing. Headers, all
optional: producer_frame_id, captured_at, frame_index, content-type, traceparent, predicted_by.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import InvalidMessage
from shared.streams import ids
from shared.streams.record import Headers, NewRecord, Record
from shared.streams.references import CONTENT_TYPE as REFERENCE_TYPE
from shared.streams.references import Reference, is_reference, reference_of
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
    """One encoded image from a source at an instant; or, with no bytes of it, a `reference` to where it lies.

    `shared.runtime.pixels` has the image of either kind.
    """

    ref: FrameRef
    source_id: str
    image: bytes
    producer_frame_id: str | None = None
    captured_at: str | None = None
    frame_index: int | None = None
    content_type: str | None = None
    predicted_by: str | None = None
    reference: Reference | None = None


def decode(record: Record) -> Frame:
    """Raises InvalidMessage: no bytes, past MAX_FRAME_BYTES, a reference that makes no sense, a key that is no UTF-8."""
    value = record.value or b""
    if not value:
        raise InvalidMessage(f"frame at {record.where} is empty: expected an encoded image as the record's value")
    if len(value) > MAX_FRAME_BYTES:
        raise InvalidMessage(f"frame at {record.where} has {len(value):,} bytes, at most {MAX_FRAME_BYTES:,} are taken")
    reference = reference_of(record) if is_reference(record) else None
    source_id = _source_id(record)
    return Frame(
        ref=_ref(record, source_id, reference or value),
        source_id=source_id,
        image=b"" if reference else value,
        producer_frame_id=record.header("producer_frame_id"),
        captured_at=record.header("captured_at"),
        frame_index=_frame_index(record),
        content_type=None if reference else record.header("content-type"),
        predicted_by=record.header("predicted_by"),
        reference=reference,
    )


def _ref(record: Record, source_id: str, image: Reference | bytes) -> FrameRef:
    """Size and hash are the image's, wherever it lies: one image is one frame, by value or by reference."""
    sha256, size = _hash_and_size(image)
    at = {"time_ms": record.time_ms, "partition": record.partition, "offset": record.offset}
    frame_id = ids.frame_id(source_id, record.header("producer_frame_id"), sha256, **at)
    return FrameRef(stream="frames", **at, frame_id=frame_id, sha256=sha256, size=size)


def _hash_and_size(image: Reference | bytes) -> tuple[str, int]:
    if isinstance(image, Reference):
        return image.sha256, image.size
    return hashlib.sha256(image).hexdigest(), len(image)


def new_frame(
    source_id: str,
    image: bytes | Reference,
    *,
    producer_frame_id: str | None = None,
    captured_at: str | None = None,
    frame_index: int | None = None,
    content_type: str | None = None,
    predicted_by: str | None = None,
) -> NewRecord:
    """A frame on its way into the log, with the headers that are known; the image itself, or where it lies."""
    value, type_ = (image.to_bytes(), REFERENCE_TYPE) if isinstance(image, Reference) else (image, content_type)
    known = {
        "producer_frame_id": producer_frame_id,
        "captured_at": captured_at,
        "frame_index": None if frame_index is None else str(frame_index),
        "content-type": type_,
        "predicted_by": predicted_by,
    }
    headers: Headers = tuple((name, text.encode()) for name, text in known.items() if text is not None)
    return NewRecord(FRAMES.name, source_id.encode(), value, headers=headers)


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
    about="the encoded images, as the cameras' producers wrote them, or references to them",
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
