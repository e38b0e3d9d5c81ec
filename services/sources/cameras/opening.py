"""Opening: an address → an open connection and its video, with time limits and without threads of FFmpeg's own.

Promises: returns within `open_timeout_s` or raises a CameraFault that says why; reading from it gives up after
`read_timeout_s` without a packet.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from services.sources.cameras import faults
from services.sources.cameras.address import Address
from services.sources.config import CameraOptions

_ANALYSE_US = "2000000"
"""Stream time that is looked at to learn codec and rate; FFmpeg's own 5 s keep a slow camera waiting."""
_V4L2 = "v4l2"


@contextmanager
def opened(address: Address, options: CameraOptions) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Raises CameraFault."""
    try:
        container = _open(address, options)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise faults.of_opening(error, address) from None  # its own text quotes the password
    try:
        yield container, _video(container, address)
    finally:
        with suppress(av.error.FFmpegError):  # the other side is gone already: there is nobody to say goodbye to
            container.close()


def _open(address: Address, options: CameraOptions) -> InputContainer:
    times_s = (options.open_timeout_s, options.read_timeout_s)
    if address.kind != "device":
        return av.open(address.with_credentials(), timeout=times_s, options=_settings(address, options))
    try:
        return av.open(address.url, format=_V4L2, timeout=times_s, options={"input_format": "mjpeg"})
    except (av.error.ArgumentError, ValueError):
        return av.open(address.url, format=_V4L2, timeout=times_s)  # it knows no MJPEG


def _settings(address: Address, options: CameraOptions) -> dict[str, str]:
    common = {"analyzeduration": _ANALYSE_US}
    if address.kind == "rtsp":
        return common | {"rtsp_transport": options.transport, "allowed_media_types": "video"}
    return common


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
