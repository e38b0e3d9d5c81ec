"""Pixels: the encoded image of a frame, from the log or from where the frame's reference says. All read frames in this way.

Promises: of a reference only listed buckets are asked, no more bytes are read than it names, and what is returned has its
size and hash. Thread-safe.
"""

import hashlib
from collections.abc import Callable

from shared.errors import InvalidMessage, Unavailable
from shared.ports import Clock, Objects
from shared.runtime.retry import Backoff
from shared.settings import ReferencesConfig
from shared.streams.frames import Frame
from shared.streams.references import Reference


class FramePixels:
    """The images of frames. May be shared by threads."""

    def __init__(self, objects: Objects, config: ReferencesConfig, clock: Clock) -> None:
        self._objects = objects
        self._config = config
        self._clock = clock

    def image_of(self, frame: Frame, since_s: float | None = None, wanted: Callable[[], bool] = lambda: True) -> bytes:
        """The encoded image, waiting for an object that is not there yet. Raises InvalidMessage, Unavailable.

        `since_s` (of `Clock.monotonic_s`) is when the caller first asked for it, by default now: a batch that gives all of its
        frames its own beginning waits `references.wait_s` once, not once for each frame. The wait ends with Unavailable soon
        after the image is no longer `wanted`.
        """
        until_s = (self._clock.monotonic_s() if since_s is None else since_s) + self._config.wait_s
        backoff = Backoff(first_s=0.1, most_s=1.0)
        while (image := self.image_if_there(frame)) is None:
            left_s = until_s - self._clock.monotonic_s()
            if left_s <= 0:
                raise InvalidMessage(self._never_came(frame))
            if not wanted():
                raise Unavailable("frame", "nobody waits for it any more")
            self._clock.wait_s(min(left_s, backoff.next_s()))
        return image

    def image_if_there(self, frame: Frame) -> bytes | None:
        """The same without waiting; None when the object is not there. For those who come after a first reader."""
        if frame.reference is None:
            return frame.image
        self._check_allowed(frame.reference)
        return self._fetched(frame.reference)

    def check(self, frame: Frame) -> None:
        """Raises InvalidMessage where the settings forbid to read it at all. Asks no store."""
        if frame.reference is not None:
            self._check_allowed(frame.reference)

    def is_there(self, frame: Frame) -> bool:
        """Whether the image could be had now, as far as that is seen without reading it. Raises Unavailable."""
        if frame.reference is None:
            return True
        try:
            self._check_allowed(frame.reference)
        except InvalidMessage:
            return False
        return self._objects.size(frame.reference.bucket, frame.reference.key) == frame.reference.size

    def _check_allowed(self, reference: Reference) -> None:
        """Whoever publishes frames must not make us read whatever our keys can."""
        if reference.bucket not in self._config.buckets:
            listed = ", ".join(self._config.buckets) or "none"
            raise InvalidMessage(
                f"{reference.uri}: the bucket {reference.bucket} is not in the setting references.buckets ({listed}); "
                "name it there if frames may be read from it"
            )
        if reference.size > self._config.max_bytes:
            raise InvalidMessage(
                f"{reference.uri} has {reference.size:,} bytes, at most {self._config.max_bytes:,} are read "
                "(setting references.max_bytes)"
            )

    def _fetched(self, reference: Reference) -> bytes | None:
        image = self._objects.get(reference.bucket, reference.key, reference.size)
        if image is None:
            return None
        if len(image) != reference.size:
            raise InvalidMessage(f"{reference.uri}: expected {reference.size:,} bytes, got {len(image):,}")
        sha256 = hashlib.sha256(image).hexdigest()
        if sha256 != reference.sha256:
            raise InvalidMessage(f"{reference.uri}: expected bytes with sha256 {reference.sha256}, got {sha256}")
        return image

    def _never_came(self, frame: Frame) -> str:
        where = frame.reference.uri if frame.reference else "the frame"
        return f"{where} is not there, also not after {self._config.wait_s:g} s (setting references.wait_s): was it put first?"
