"""Faults: why a camera gives no pictures, as a kind for programs and a sentence for people.

Promises: a sentence says what was expected, what came and what to do. It is made from the address as it may be shown and never
from FFmpeg's own text, which quotes the address with its password.
"""

import errno
import os
import socket
import ssl
from typing import Literal

import av
import av.error

from services.sources.cameras.address import Address
from shared.errors import GleanerError

Kind = Literal[
    "unauthorized",
    "forbidden",
    "not_found",
    "refused",
    "too_many",
    "no_answer",
    "unknown_host",
    "tls",
    "no_video",
    "unsupported",
    "no_device",
    "busy",
    "no_permission",
    "hung",
    "silent",
    "lost",
    "ended",
    "broken",
]

_LOOK_UP_S = 2.0
_NO_FILES_LEFT = frozenset({errno.EMFILE, errno.ENFILE})
_NOBODY_THERE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EHOSTDOWN})


class CameraFault(GleanerError):
    """A camera cannot be opened, or its connection ended. `kind` is one of a few words, `str()` the sentence."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(why)
        self.kind = kind


def of_opening(error: Exception, address: Address, *, timed_out: bool = False) -> CameraFault:
    """What FFmpeg's error while opening means. `timed_out`: it came when the time was over."""
    if _no_files_left():
        return CameraFault("broken", f"{address.shown} cannot be opened: {_TOO_MANY_FILES}")
    kind = _kind(error, address)
    kind = "no_answer" if timed_out and kind in ("no_video", "broken", "lost") else kind
    words = _words(error, address)
    # FFmpeg says `Input/output error` to TLS that fails, as to much else: looked at again.
    if kind in ("lost", "no_answer") and address.encrypted and (trouble := _tls_trouble(address)):
        kind, words["detail"] = "tls", trouble
    return CameraFault(kind, _SENTENCES[kind].format(**words))


def of_reading(error: Exception, address: Address, read_timeout_s: float) -> CameraFault:
    """What FFmpeg's error on an open connection means."""
    if isinstance(error, av.error.ExitError | TimeoutError):
        return hung(address, read_timeout_s)
    if address.kind in ("device", "file") or isinstance(error, av.error.HTTPError):
        return of_opening(error, address)
    return CameraFault("lost", f"{address.shown} broke the connection ({_text(error)}); it is opened again")


def hung(address: Address, read_timeout_s: float) -> CameraFault:
    return CameraFault(
        "hung",
        f"{address.shown} is connected but brought nothing for {read_timeout_s:g} s; it is opened again: "
        "look at the camera and the network, or raise read_timeout_s",
    )


def silent(address: Address, silent_s: float, why: str | None) -> CameraFault:
    """`why`: what was wrong with the last picture that could not be used."""
    came = "no picture" if why is None else f"no usable picture (the last was refused: {why})"
    return CameraFault("silent", f"{address.shown} is connected but gave {came} for {silent_s:g} s; it is opened again")


def ended(address: Address) -> CameraFault:
    return CameraFault("ended", f"{address.shown} ended its stream; it is opened again")


def no_video(address: Address) -> CameraFault:
    return CameraFault("no_video", _SENTENCES["no_video"].format(**_words(None, address)))


def unsupported(address: Address, codec: str) -> CameraFault:
    return CameraFault(
        "unsupported",
        f"{address.shown} sends {codec}, which cannot be decoded here: set the camera to H.264, H.265 or MJPEG",
    )


_SENTENCES: dict[Kind, str] = {
    "unauthorized": "{shown} refused user and password: expected those of the camera; set `user` and `password`",
    "forbidden": "{shown} knows the user but forbids this address (403): give that user the right to view, or use another",
    "not_found": "{shown}: the host answers, but has nothing at this path (404): look up the path in the camera's manual",
    "refused": "{shown}: nothing listens on port {port} of {host}: check the port, and that the camera's stream is switched on",
    "too_many": "{shown} refuses for now (busy, or too many open connections): close other viewers, "
    "or raise the camera's limit; it is tried again",
    "no_answer": "{shown} did not answer: check that {host} is switched on and reachable from here, port {port} too",
    "unknown_host": "{shown}: no host is called {host}: check the name, or write its IP address",
    "tls": "{shown}: no encrypted connection with {host} ({detail}): check that port {port} speaks TLS, or use the plain one",
    "no_video": "{shown} gives no video that can be read: expected {expected}",
    "unsupported": "{shown}: this build cannot read {scheme} ({detail}): use RTSP or HTTP, or an installation of PyAV that can",
    "no_device": "{shown}: no such device: plug the camera in; `ls /dev/video*` shows those there are, a container needs "
    "`devices:`",
    "busy": "{shown} is in use by another program: close it, or take another device",
    "no_permission": "{shown} may not be read by this user: {permission}",
    "lost": "{shown} broke the connection ({detail}); it is opened again",
    "hung": "{shown} brought nothing; it is opened again",
    "silent": "{shown} gave no picture; it is opened again",
    "ended": "{shown} ended its stream; it is opened again",
    "broken": "{shown} cannot be opened ({detail}): open it in a player such as ffplay or VLC on this machine to see more",
}

_TOO_MANY_FILES = (
    "this process may open no more files: raise that limit (`ulimit -n`; systemd: LimitNOFILE; compose: ulimits)"
)
_FILE = "a file such as MP4, AVI or MKV that is whole"
_STREAM = "a stream or an image; open it in a player, and take the stream's own address, not the camera's web page"


def _kind(error: Exception, address: Address) -> Kind:
    for types, kind in _BY_TYPE:
        if isinstance(error, types):
            return kind
    if isinstance(error, FileNotFoundError):
        return "no_device" if address.kind == "device" else "not_found"
    if address.kind == "device":
        return _of_device(getattr(error, "errno", None))
    if getattr(error, "errno", None) in _NOBODY_THERE:
        return "no_answer"
    if isinstance(error, OSError) and address.host:
        # FFmpeg says `Input/output error` to a name that nobody knows.
        return "lost" if _known(address.host) else "unknown_host"
    return "broken"


_BY_TYPE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Kind], ...] = (
    (av.error.HTTPUnauthorizedError, "unauthorized"),
    (av.error.HTTPForbiddenError, "forbidden"),
    (av.error.HTTPNotFoundError, "not_found"),
    # 453 of RTSP, 429 and 503 of both: the classes tell no more.
    ((av.error.HTTPTooManyRequestsError, av.error.HTTPOtherClientError, av.error.HTTPServerError), "too_many"),
    (av.error.HTTPError, "broken"),
    ((av.error.ProtocolNotFoundError, av.error.DecoderNotFoundError), "unsupported"),
    ((av.error.ExitError, TimeoutError), "no_answer"),
    (ConnectionRefusedError, "refused"),
    (PermissionError, "no_permission"),
    ((av.error.InvalidDataError, av.error.DemuxerNotFoundError, av.error.EOFError), "no_video"),
)


def _no_files_left() -> bool:
    """FFmpeg then says of a host that nobody knows it."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in _NO_FILES_LEFT
    return False


def _of_device(number: int | None) -> Kind:
    if number in (errno.ENODEV, errno.ENXIO):
        return "no_device"
    return "busy" if number == errno.EBUSY else "broken"


def _known(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):
        return False


def _tls_trouble(address: Address) -> str | None:
    """Why a handshake fails; None when it does not, or when nobody is there. Cameras sign their own certificates: unchecked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        plain = socket.create_connection((address.host, address.port), _LOOK_UP_S)
    except OSError:
        return None
    try:
        with plain, context.wrap_socket(plain, server_hostname=address.host):
            return None
    except (OSError, ValueError) as error:
        return getattr(error, "reason", None) or "no TLS answer"


def _words(error: Exception | None, address: Address) -> dict[str, object]:
    group = "add it to the group `video` (a container: `group_add: [video]`)"
    return {
        "shown": address.shown,
        "host": address.host,
        "port": address.port,
        "scheme": address.scheme or address.kind,
        "detail": _text(error),
        "expected": _FILE if address.kind == "file" else _STREAM,
        "permission": group if address.kind == "device" else "give it the right to read the file",
    }


def _text(error: Exception | None) -> str:
    """The system's words for the error's number alone: they hold no address."""
    return getattr(error, "strerror", None) or type(error).__name__
