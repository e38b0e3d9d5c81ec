"""A picture: one encoded image of a source on its way to becoming a frame, or why a file gave none.

Promises: `producer_frame_id` depends on the file's name (and, in a video, on the frame's number in it) alone, so that
publishing the same file again gives the same frames.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.streams.frames import new_frame
from shared.streams.record import NewRecord
from shared.streams.references import Reference


@dataclass(frozen=True, slots=True)
class Picture:
    """`captured_at` is RFC 3339 in UTC. `refitted`: encoded anew because the file was larger than a frame may be.

    With a `reference`, that is what is published; then no bytes of the image are here.
    """

    source_id: str
    image: bytes
    frame_index: int
    producer_frame_id: str
    captured_at: str | None = None
    content_type: str | None = None
    refitted: bool = False
    reference: Reference | None = None

    @property
    def size(self) -> int:
        """Of the image, in bytes."""
        return len(self.image) if self.reference is None else self.reference.size

    def as_record(self) -> NewRecord:
        return new_frame(
            self.source_id,
            self.reference or self.image,
            producer_frame_id=self.producer_frame_id,
            captured_at=self.captured_at,
            frame_index=self.frame_index,
            content_type=self.content_type,
        )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that gave no picture, and the reason as a sentence."""

    source_id: str
    why: str


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 as UTC text with milliseconds: `2026-11-22T08:30:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
