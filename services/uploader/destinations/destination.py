"""What the uploader asks of a dataset host, and the three ways in which a host may fail.

Promises of an implementation: `deliver` returns only when the image and its annotation are safely the host's; every call is
bounded in time; calls come from several threads, never two at once for one sample; no secret is in any error's text.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from pydantic import Field

from services.uploader.annotations import Annotation
from shared.errors import GleanerError
from shared.settings import Config
from shared.streams.samples import Design, Neighbour, Reason, Revision, Sample

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/bmp": "bmp", "image/tiff": "tif"}


class Refused(GleanerError):
    """The host will never take this image, however often it is tried → a dead-lettered receipt with its words."""


class Blocked(GleanerError):
    """The host takes nothing at all until a person acts (key, credit, project) → the destination pauses."""


class NotNow(GleanerError):
    """Try again later: no connection, timeout, too many requests, an error of the host's own."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class DestinationOptions(Config):
    """What the settings of every destination share; the subclass adds `type` and a default `name`."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$", description="what samples call it")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a host is given: the sample (its design where that is known), its annotation, its pixels (None: an update)."""

    sample: Sample
    annotation: Annotation
    image: bytes | None = None

    @property
    def sample_id(self) -> str:
        return self.sample.sample_id

    @property
    def content_type(self) -> str:
        image = self.sample.image
        return image.content_type if image else "image/jpeg"

    @property
    def extension(self) -> str:
        """Without a dot."""
        return EXTENSIONS.get(self.content_type, "jpg")

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Empty for a neighbour, and for a sample that a verdict made: its annotation's verdicts say why."""
        return self.sample.reasons if isinstance(self.sample, Design) else ()

    @property
    def chosen_by(self) -> list[str]:
        """In one word each: the strategies; `neighbour`; `verdict` or `silence` where that alone made the sample."""
        if isinstance(self.sample, Neighbour):
            return ["neighbour"]
        if isinstance(self.sample, Revision):
            return ["silence" if self.sample.effect == "affirm" else "verdict"]
        return [reason.strategy for reason in self.reasons]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The host's acknowledgement."""

    outcome: Literal["accepted", "already_there", "updated"]
    host_id: str | None = None
    detail: str | None = None


class Destination(Protocol):
    """A dataset host. Every call raises Refused, Blocked or NotNow."""

    can_be_asked: ClassVar[bool]
    """`ask` knows whether a sample is there."""
    deduplicates: ClassVar[bool]
    """The same bytes sent twice are one image there."""
    can_update: ClassVar[bool]
    """`update` replaces the annotation of an image that is there."""
    links: ClassVar[bool]
    """It refers to the image buffer instead of copying, so the original must stay."""

    @property
    def name(self) -> str: ...

    def ask(self, sample_id: str) -> str | None:
        """The host's id of a sample that is there, None when it is not."""

    def deliver(self, delivery: Delivery) -> Delivered:
        """Image and annotation. Sent twice, it is harmless where the host can be asked or deduplicates."""

    def update(self, delivery: Delivery, host_id: str) -> Delivered:
        """Replaces the annotation; harmless when repeated."""

    def flush(self, idle: bool) -> None:
        """Time for tidying up; `idle`: nothing waits to be delivered here."""

    def close(self) -> None:
        """Tidies up for the last time and lets go."""
