"""References: a frame whose image lies in an object store, and in the log only where, how large and which hash.

Promises: a reference names a bucket and a key that are safe in every store, on a disk too: nothing it says leads out of its
bucket. Which buckets are read, the settings say (`references.buckets`); nothing here reads anything.
"""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import InvalidMessage
from shared.streams.record import Record
from shared.streams.stream import first_complaint

CONTENT_TYPE = "application/vnd.gleaner.reference+json"
FIRST_BYTE = b"{"
"""No image begins so: a producer that cannot set headers is understood too."""
MAX_REFERENCE_BYTES = 4_096
MAX_IMAGE_BYTES = 268_435_456
"""Beyond what any settings may allow (`references.max_bytes`): nobody reserves memory for what is never read."""
MAX_KEY_BYTES, MAX_SEGMENT_BYTES = 1_024, 255
SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\]|[\ud800-\udfff]")


class Reference(BaseModel):
    """Where an image lies outside of the log. Fields that it does not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uri: str = Field(description="s3://BUCKET/KEY, the key as it is (no %-escapes)")
    size: int = Field(gt=0, le=MAX_IMAGE_BYTES, description="of the image, in bytes")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the image's bytes")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not self.uri.startswith(SCHEME):
            raise ValueError(f"uri: expected {SCHEME}BUCKET/KEY, got {self.uri[:80]!r}")
        check_place(self.bucket, self.key)
        return self

    @property
    def bucket(self) -> str:
        return self.uri.removeprefix(SCHEME).partition("/")[0]

    @property
    def key(self) -> str:
        return self.uri.removeprefix(SCHEME).partition("/")[2]

    def to_bytes(self) -> bytes:
        return self.model_dump_json().encode()


def check_place(bucket: str, key: str) -> None:
    """Raises ValueError for a bucket that S3 would not take, and for a key that could leave it or be read two ways."""
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise ValueError(f"bucket: expected 3 to 63 of a-z 0-9 . -, got {bucket[:80]!r}")
    if _UNPRINTABLE.search(key):
        raise ValueError(f"key: expected no control characters and no backslash, got {key[:80]!r}")
    if len(key.encode()) > MAX_KEY_BYTES or any(_unsafe(segment) for segment in key.split("/")):
        raise ValueError(
            f"key: expected at most {MAX_KEY_BYTES:,} bytes in segments of 1 to {MAX_SEGMENT_BYTES} bytes, "
            f"none of them `.` or `..`, got {key[:80]!r}"
        )


def _unsafe(segment: str) -> bool:
    return segment in ("", ".", "..") or len(segment.encode()) > MAX_SEGMENT_BYTES


def is_reference(record: Record) -> bool:
    """Whether a frame's value is a reference: its header says so, or its first byte does."""
    return record.header("content-type") == CONTENT_TYPE or (record.value or b"").startswith(FIRST_BYTE)


def reference_of(record: Record) -> Reference:
    """Raises InvalidMessage."""
    value = record.value or b""
    if len(value) > MAX_REFERENCE_BYTES:
        raise InvalidMessage(
            f"reference at {record.where} has {len(value):,} bytes, at most {MAX_REFERENCE_BYTES:,} are taken"
        )
    try:
        return Reference.model_validate_json(value)
    except ValidationError as error:
        raise InvalidMessage(f"no reference at {record.where}: {first_complaint(error)}") from error
