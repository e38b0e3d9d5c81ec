"""Streams: one open camera, as thinned encoded pictures.

Promises: whatever is not wanted is dropped as early as the format allows. Unusable pictures are counted with the reason and the
stream goes on; without a usable one for `silent_s`, or when the connection hangs or ends, a CameraFault says so. One thread.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event
from types import TracebackType
from typing import Any, Self

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from services.sources.cameras import faults
from services.sources.cameras.address import Address
from services.sources.cameras.clock import LiveClock, Pace, Rate
from services.sources.cameras.decoding import Candidate, Reading, reading_of, seconds
from services.sources.cameras.encoding import Encoded
from services.sources.cameras.opening import opened, read_timeout_s
from services.sources.cameras.thinning import Thinning
from services.sources.cameras.watch import Silence
from services.sources.config import CameraOptions
from shared.errors import InvalidImage
from shared.telemetry import metrics

_STREAMS = frozenset({"mpjpeg", "mjpeg", "h264", "hevc"})
_WITHOUT_TIMES = _STREAMS | {"jpeg_pipe", "png_pipe", "webp_pipe", "image2", "image2pipe"}
"""Formats whose timestamps FFmpeg makes up from a rate that it assumes."""
_LEAST_ROUND_S = 0.1
_NEARLY = 0.95
_SANE_FPS = 240
"""More is a time base that a camera gives for a rate."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture, and when it was captured: seconds since 1970 by this machine's clock."""

    captured_s: float
    encoded: Encoded

    @property
    def image(self) -> bytes:
        return self.encoded.image

    @property
    def content_type(self) -> str:
        return self.encoded.content_type

    @property
    def width_px(self) -> int:
        """As displayed."""
        return self.encoded.width_px

    @property
    def height_px(self) -> int:
        return self.encoded.height_px


@dataclass(slots=True)
class Facts:
    """What is known of a stream; None: not yet. `snapshot`: each picture is fetched by itself."""

    codec: str | None = None
    format: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    native_fps: float | None = None
    keyframe_every_s: float | None = None
    snapshot: bool = False
    recorded: bool = False


@dataclass(slots=True)
class Tally:
    """What became of pictures, over all of a camera's connections."""

    refused: int = 0
    resolution_changes: int = 0
    last_refusal: str | None = None
    size_px: tuple[int, int] | None = None
    caught_up: bool = False
    """It was live, or played to its end: what a playlist that is closed still lists is nothing new."""

    def refuse(self, why: str) -> None:
        metrics.SOURCE_PICTURES.labels("refused").inc()
        self.refused += 1
        self.last_refusal = why

    def saw(self, width_px: int, height_px: int) -> None:
        if self.size_px not in (None, (width_px, height_px)):
            self.resolution_changes += 1
        self.size_px = (width_px, height_px)


def open_stream(options: CameraOptions, stop: Event | None = None, tally: Tally | None = None) -> "Stream":
    """Opens the camera. `stop` ends its pictures. Raises CameraFault, and SettingsError for an address that is none."""
    return Stream(Address.of(options), options, stop or Event(), tally or Tally())


@dataclass(slots=True)
class Stream:
    """An open camera: use it with `with`, from one thread. `facts` fill up while pictures come."""

    address: Address
    options: CameraOptions
    stop: Event
    tally: Tally
    facts: Facts = field(default_factory=Facts, init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False)
    _container: InputContainer = field(init=False)
    _video: VideoStream = field(init=False)
    _connected_s: float = field(default=0.0, init=False)
    _says_rate: bool = field(default=False, init=False)
    _gave_some: bool = field(default=False, init=False)
    _clock: LiveClock = field(default_factory=LiveClock, init=False)
    _pace: Pace = field(default_factory=Pace, init=False)
    _rate: Rate = field(default_factory=Rate, init=False)
    _thinning: Thinning = field(init=False)
    _silence: Silence = field(init=False)

    def __post_init__(self) -> None:
        self._thinning = Thinning(self.options.fps)
        self._connect()
        # Between two snapshots there is nothing to be heard.
        between_s = 1 / self.options.fps if self.facts.snapshot else 0.0
        self._silence = Silence(self.options.silent_s + between_s, time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._open.close()

    def pictures(self) -> Iterator[Taken]:
        """Until `stop`; of a file that does not loop until its end. Raises CameraFault."""
        while not self.stop.is_set():
            if self.facts.recorded and self.tally.caught_up:
                raise faults.ended(self.address)
            refused = self.tally.refused
            yield from self._round()
            if self.stop.is_set():
                return
            if not (self.facts.recorded or self.facts.snapshot):
                raise faults.ended(self.address)
            if not self._gave_some and self.tally.refused == refused:
                raise faults.no_video(self.address)
            if self.facts.recorded and not self.options.loop:
                self._end()
                return
            self._again()

    def _end(self) -> None:
        """Of a recording. A playlist that is closed may be opened again, by whoever sends it: raises CameraFault."""
        if self.address.segmented:
            self.tally.caught_up = True
            raise faults.ended(self.address)

    def _round(self) -> Iterator[Taken]:
        """What one connection gives, to its end."""
        reading = reading_of(self._video, self.options)
        for packet in self._packets():
            if packet.stream is self._video:
                self._measure(reading)
                yield from self._taken(reading.candidates(packet))
            if self.facts.snapshot and packet.size:
                return
            self._check_silence()

    def _packets(self) -> Iterator["Packet[Any]"]:
        """Of all streams, so that sound without pictures is noticed. Raises CameraFault."""
        asked_s = time.monotonic()
        try:
            for packet in self._container.demux():
                if self.facts.recorded:
                    self._keep_pace(packet)
                if self.stop.is_set():
                    return
                yield packet
                asked_s = time.monotonic()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._fault(error, time.monotonic() - asked_s) from None

    def _fault(self, error: Exception, waited_s: float) -> faults.CameraFault:
        """FFmpeg calls an RTSP connection on which nothing but reports came an input/output error."""
        timeout_s = read_timeout_s(self.address, self.options)
        if waited_s >= _NEARLY * timeout_s:
            return faults.hung(self.address, timeout_s)
        return faults.of_reading(error, self.address, timeout_s)

    def _keep_pace(self, packet: "Packet[Any]") -> None:
        self._wait_until(self._pace.due_s(seconds(packet.dts, packet.time_base), time.time()))

    def _measure(self, reading: Reading) -> None:
        self.facts.keyframe_every_s = reading.keyframe_every_s
        measured_fps = self._rate.saw(time.monotonic())
        if not self._says_rate and measured_fps is not None:
            self.facts.native_fps = measured_fps

    def _taken(self, candidates: Iterator[Candidate]) -> Iterator[Taken]:
        try:
            for candidate in candidates:
                captured_s = self._captured_s(candidate.stream_s)
                if self.stop.is_set():
                    return
                if self._thinning.due(captured_s):
                    yield self._as_taken(candidate.encoded(), captured_s)
                self._silence.saw(time.monotonic())
        except InvalidImage as why:
            self.tally.refuse(str(why))

    def _captured_s(self, stream_s: float | None) -> float:
        """By this machine's clock. A recorded picture is waited for."""
        if self.facts.recorded:
            captured_s = self._pace.captured_s(stream_s, time.time())
            self._wait_until(captured_s)
            return min(captured_s, time.time())
        return self._clock.captured_s(None if self.facts.format in _WITHOUT_TIMES else stream_s, time.time())

    def _wait_until(self, at_s: float) -> None:
        self.stop.wait(max(0.0, at_s - time.time()))

    def _as_taken(self, encoded: Encoded, captured_s: float) -> Taken:
        self._thinning.took(captured_s)
        self._gave_some = True
        self.tally.caught_up |= not self.facts.recorded
        self.facts.width_px, self.facts.height_px = encoded.width_px, encoded.height_px
        self.tally.saw(encoded.width_px, encoded.height_px)
        return Taken(captured_s=captured_s, encoded=encoded)

    def _check_silence(self) -> None:
        if self._silence.too_long(time.monotonic()):
            raise faults.silent(self.address, self.options.silent_s, self.tally.last_refusal)

    def _again(self) -> None:
        """The same address once more: a snapshot when it is due, a file at once, but never many times a second."""
        self.close()
        self._check_silence()
        wait_s = self._connected_s + _LEAST_ROUND_S - time.monotonic()
        if self.facts.snapshot:
            wait_s = max(wait_s, self._thinning.wait_s(time.time()))
        if not self.stop.wait(max(0.0, wait_s)):
            self._connect()

    def _connect(self) -> None:
        self._connected_s = time.monotonic()
        self._container, self._video = self._open.enter_context(opened(self.address, self.options))
        self._pace = Pace()
        self.facts.format = self._container.format.name
        self.facts.codec = self._video.codec_context.name
        self.facts.snapshot = self.address.kind != "file" and _is_image(self._container)
        self.facts.recorded = not self.facts.snapshot and _is_recorded(self.address, self._container)
        rate = self._video.average_rate
        self._says_rate = bool(rate and rate <= _SANE_FPS) and self.facts.format not in _WITHOUT_TIMES
        if rate and self._says_rate:
            self.facts.native_fps = float(rate)


def _is_image(container: InputContainer) -> bool:
    return container.format.name in _WITHOUT_TIMES and container.format.name not in _STREAMS


def _is_recorded(address: Address, container: InputContainer) -> bool:
    """A live stream over HTTP has no duration; RTSP servers play recordings at their own pace."""
    return address.kind == "file" or (address.kind == "http" and bool(container.duration))
