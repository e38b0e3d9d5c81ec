"""What a simulated camera may do wrong, and which kind of camera can do it."""

from enum import StrEnum


class Fault(StrEnum):
    """`camera.fault = …` lasts until it is set to None; `camera.once(…)` strikes those connected now, and only them."""

    REFUSES = "refuses"  # nothing listens at its port
    NO_ANSWER = "no answer"  # takes the connection and says nothing
    UNAUTHORIZED = "unauthorized"  # 401, whatever the password
    FORBIDDEN = "forbidden"  # 403
    NOT_FOUND = "not found"  # 404
    BUSY = "busy"  # 503; RTSP: 453
    PAGE = "page"  # answers with a web page
    NO_VIDEO = "no video"  # a stream with sound alone
    DIES = "dies"  # closes the connection in the middle of a picture
    HANGS = "hangs"  # the connection stays, nothing more is sent
    SILENT = "silent"  # keeps the connection alive, and sends no picture
    FREEZES = "freezes"  # the same picture on and on
    GARBAGE = "garbage"  # random bytes where a picture should be
    EMPTY = "empty"  # a JPEG of 0 × 0 pixels
    TRUNCATED = "truncated"  # half of each picture
    RESIZES = "resizes"  # twice as wide and high
    WRONG_CLOCK = "wrong clock"  # its timestamps jump forward and back
    FAST = "fast"  # 60 pictures a second


AT_THE_DOOR = frozenset(
    {
        Fault.REFUSES,
        Fault.NO_ANSWER,
        Fault.UNAUTHORIZED,
        Fault.FORBIDDEN,
        Fault.NOT_FOUND,
        Fault.BUSY,
        Fault.PAGE,
        Fault.NO_VIDEO,
    }
)
"""Those that meet a new connection. Whoever is connected when one begins is cut off."""

STANDS_STILL = frozenset({Fault.HANGS, Fault.SILENT})
"""No picture is sent, so none is passed over: the next one has the next number."""

SPOILS = frozenset({Fault.DIES, Fault.GARBAGE, Fault.EMPTY, Fault.TRUNCATED})
"""What is sent is no picture; its number is passed over."""

FAST_FPS = 60.0

_NO_CLOCK = frozenset({Fault.WRONG_CLOCK, Fault.NO_VIDEO})
_EVERY = frozenset(Fault)

POSSIBLE: dict[str, frozenset[Fault]] = {
    "mjpeg": _EVERY - _NO_CLOCK,
    "snapshot": _EVERY - _NO_CLOCK - {Fault.SILENT, Fault.FAST},
    "hls": _EVERY - {Fault.EMPTY, Fault.NO_VIDEO, Fault.FAST},
    "rtsp-h264": _EVERY - {Fault.EMPTY},
    "rtsp-jpeg": _EVERY,
}
"""By kind of camera: MJPEG and snapshots have no timestamps, H.264 has no picture without pixels."""
