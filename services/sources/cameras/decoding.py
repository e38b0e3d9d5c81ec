"""Decoding: packets → candidates, which are pictures that nobody has decoded or encoded yet.

Promises: an image that is whole in its packet is never decoded to be thinned out. Of a video stream only the key
frames that are wanted are decoded, where they come often enough; else all pictures are, since each builds on the one before.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Protocol

import av
from av.packet import Packet
from av.video.stream import VideoStream

from services.sources.cameras.encoding import Encoded, as_it_came, from_frame
from services.sources.config import CameraOptions
from shared.errors import InvalidImage

IMAGES = frozenset({"mjpeg", "png", "webp"})
_OFTEN_ENOUGH = 1.2
"""Key frames may be that many periods apart and still stand for all pictures."""
_LEARNT_FROM = 2
"""Spacings of key frames, of which the widest counts: a new viewer, or a change of scene, puts an extra one in."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """`stream_s`: its timestamp. `encoded` does the work, and raises InvalidImage."""

    stream_s: float | None
    encoded: Callable[[], Encoded]


class Reading(Protocol):
    """How the packets of one stream are read."""

    keyframe_every_s: float | None

    def candidates(self, packet: "Packet[VideoStream]") -> Iterator[Candidate]: ...


def reading_of(stream: VideoStream, options: CameraOptions) -> "AsTheyCame | Decoded":
    return AsTheyCame(options) if stream.codec_context.name in IMAGES else Decoded(stream, options)


@dataclass(slots=True)
class AsTheyCame:
    """Motion JPEG and single images: a packet is a picture."""

    options: CameraOptions
    keyframe_every_s: float | None = None

    def candidates(self, packet: "Packet[VideoStream]") -> Iterator[Candidate]:
        if packet.size:
            make = partial(_of_packet, packet, self.options)
            yield Candidate(seconds(packet.pts, packet.time_base), make)


@dataclass(slots=True)
class Decoded:
    """H.264, H.265 and whatever else FFmpeg decodes. Which packets are decoded changes at key frames alone."""

    stream: VideoStream
    options: CameraOptions
    keyframe_every_s: float | None = None
    _last_key_s: float | None = field(default=None, init=False)
    _spacings_s: deque[float] = field(default_factory=lambda: deque(maxlen=_LEARNT_FROM), init=False)
    _keys_only: bool = field(default=False, init=False)
    _began: bool = field(default=False, init=False)

    def candidates(self, packet: "Packet[VideoStream]") -> Iterator[Candidate]:
        if packet.is_keyframe:
            self._learn(packet)
        if not self._keys_only:
            yield from self._all(packet)
        elif packet.is_keyframe:
            yield Candidate(seconds(packet.pts, packet.time_base), partial(self._alone, packet))

    def _all(self, packet: "Packet[VideoStream]") -> Iterator[Candidate]:
        """An empty packet, at the end, brings what the decoder had held back: such a picture does not know its time base."""
        if not self._began:
            return
        for frame in self._decode(packet if packet.size else None):
            make = partial(from_frame, frame, self.options.rotate, self.options.quality)
            yield Candidate(seconds(frame.pts, frame.time_base or packet.time_base or self.stream.time_base), make)

    def _alone(self, packet: "Packet[VideoStream]") -> Encoded:
        """A key frame by itself. A decoder holds it back for pictures that never come, so it is told that this is the end."""
        codec = self.stream.codec_context
        try:
            frames = self._decode(packet) + self._decode(None)
        finally:
            if codec.is_open:
                codec.flush_buffers()
        if not frames:
            raise InvalidImage(f"a key frame of {packet.size:,} bytes gave no picture")
        return from_frame(frames[-1], self.options.rotate, self.options.quality)

    def _decode(self, packet: "Packet[VideoStream] | None") -> list[av.VideoFrame]:
        try:
            return self.stream.codec_context.decode(packet)
        except av.error.EOFError:
            return []
        except (av.error.FFmpegError, ValueError) as error:
            size, reason = packet.size if packet else 0, getattr(error, "strerror", None) or type(error).__name__
            raise InvalidImage(f"a packet of {size:,} bytes cannot be decoded: {reason}") from None

    def _learn(self, packet: "Packet[VideoStream]") -> None:
        self._began = True
        now_s = seconds(packet.pts if packet.pts is not None else packet.dts, packet.time_base)
        if now_s is not None and self._last_key_s is not None and now_s > self._last_key_s:
            self._spacings_s.append(now_s - self._last_key_s)
            self.keyframe_every_s = max(self._spacings_s)
        self._last_key_s = now_s
        self._keys_only = self._enough_keys()

    def _enough_keys(self) -> bool:
        if self.options.decode != "auto":
            return self.options.decode == "keyframes"
        return len(self._spacings_s) == _LEARNT_FROM and come_often_enough(self.keyframe_every_s, self.options.fps)


def come_often_enough(keyframe_every_s: float | None, fps: float) -> bool:
    """Whether key frames alone are as many pictures as are wanted. None: nobody knows how often they come."""
    return keyframe_every_s is not None and keyframe_every_s <= _OFTEN_ENOUGH / fps


def seconds(timestamp: int | None, time_base: Fraction | None) -> float | None:
    """None where there is no timestamp."""
    return None if timestamp is None or time_base is None else float(timestamp * time_base)


def _of_packet(packet: "Packet[VideoStream]", options: CameraOptions) -> Encoded:
    return as_it_came(bytes(packet), options.rotate, options.quality)
