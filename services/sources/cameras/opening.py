"""Opening: an address → an open connection and its video, with time limits and without threads of FFmpeg's own.

Promises: returns within `open_timeout_s` or raises a CameraFault that says why; reading from it gives up after
`read_timeout_s` without a packet.
"""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from services.sources.cameras import faults
from services.sources.cameras.address import Address
from services.sources.config import CameraOptions

_LEARN = {"analyzeduration": "500000", "fpsprobesize": "0"}
"""How much of a stream (in microseconds) is looked at to learn codec and rate: FFmpeg's own 5 s keep a person waiting."""
_V4L2 = "v4l2"
_NEARLY = 0.95
_SEGMENTS = 3


@contextmanager
def opened(address: Address, options: CameraOptions) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Raises CameraFault."""
    container = _connected(address, options)
    try:
        yield container, _video(container, address)
    finally:
        with suppress(av.error.FFmpegError):  # the other side is gone already: there is nobody to say goodbye to
            container.close()


def read_timeout_s(address: Address, options: CameraOptions) -> float:
    """Between its segments a segmented stream brings nothing."""
    return options.read_timeout_s * (_SEGMENTS if address.segmented else 1)


def _connected(address: Address, options: CameraOptions) -> InputContainer:
    began_s = time.monotonic()
    try:
        return _open(address, options)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        # FFmpeg calls a reply that did not come in time an invalid one.
        timed_out = time.monotonic() - began_s >= _NEARLY * options.open_timeout_s
        raise faults.of_opening(error, address, timed_out=timed_out) from None  # its own text quotes the password


def _open(address: Address, options: CameraOptions) -> InputContainer:
    if address.kind == "device":
        return _device(address, options)
    try:
        return _av_open(address, options, _settings(address, options))
    except av.error.HTTPOtherClientError:
        if address.kind != "rtsp":
            raise
        # An RTSP camera without video is asked to play nothing, and refuses: without the choice it shows what it has.
        return _av_open(address, options, {"rtsp_transport": options.transport})


def _device(address: Address, options: CameraOptions) -> InputContainer:
    try:
        return _av_open(address, options, {"input_format": "mjpeg"}, _V4L2)
    except av.error.FFmpegError as error:
        if error.errno != errno.EINVAL:
            raise
        return _av_open(address, options, {}, _V4L2)  # it knows no MJPEG


def _av_open(
    address: Address, options: CameraOptions, settings: dict[str, str], form: str | None = None
) -> InputContainer:
    times_s = (options.open_timeout_s, read_timeout_s(address, options))
    return av.open(address.with_credentials(), format=form, timeout=times_s, options=settings)


def _settings(address: Address, options: CameraOptions) -> dict[str, str]:
    if address.kind == "rtsp":
        return _LEARN | {"rtsp_transport": options.transport, "allowed_media_types": "video"}
    # The newest segment: what lies before it was filmed a while ago.
    return _LEARN | ({"live_start_index": "-1"} if address.segmented else {})


def _video(container: InputContainer, address: Address) -> VideoStream:
    if not container.streams.video:
        raise faults.no_video(address)
    stream = container.streams.video[0]
    if getattr(stream, "codec_context", None) is None:
        raise faults.unsupported(address, "a video format that is unknown here")
    # Forty cameras must fit into memory: each thread of a decoder holds pictures of its own.
    stream.codec_context.thread_count = 1
    stream.codec_context.thread_type = "NONE"
    return stream
