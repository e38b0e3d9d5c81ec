"""Clock: does somebody keep it, does it agree with the log's times and with the servers'?

Promises: sets nothing.
"""

import ctypes
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.doctoring.log import newest_ms, opened
from shared.settings import ClusterBackend, Settings

AHEAD_S = 2.0
"""A record that is so much newer than now was written under another clock."""
SERVER_S = 5.0
REFUSED_S = 15 * 60.0
"""S3 refuses requests whose signature is so far from its own time."""
TIMEOUT_S = 5.0
_UNSYNCHRONISED = 0x0040
_ERROR = 5
_KEEP_IT = (
    "let a time service keep it (chrony, systemd-timesyncd): times decide which limits and windows a frame falls into"
)


class _Timex(ctypes.Structure):
    """The beginning of Linux's `struct timex`, and room for the rest."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    ]


def clock(settings: Settings) -> Iterator[Finding]:
    """Needs no settings."""
    told = _kernel()
    if told is None:
        yield ok("clock", "this system does not say whether its clock is kept")
        return
    synchronised, most_off_s = told
    if synchronised:
        yield ok("clock", f"kept by a time service, at most {most_off_s:.3f} s off")
    else:
        yield warning("clock", "no time service keeps it", _KEEP_IT)


def clock_of_log(settings: Settings) -> Iterator[Finding]:
    """Nothing without a log."""
    with opened(settings) as log:
        newest = None if log is None else newest_ms(log)
    if newest is None:
        return
    ahead_s = newest / 1000 - time.time()
    if ahead_s > AHEAD_S:
        todo = "set the clock right; until it has passed that time, new frames all get it, and fall into its windows"
        yield wrong("clock and log", f"the newest record is {ahead_s:,.0f} s in the future: the clock went back", todo)
    else:
        yield ok("clock and log", f"the newest record was written {max(0.0, -ahead_s):,.0f} s ago")


def clock_of_store(settings: Settings) -> Iterator[Finding]:
    """Nothing without a server that says its time."""
    at = settings.common.backend
    said_s = _server_time_s(at.s3) if isinstance(at, ClusterBackend) else None
    if said_s is None:
        return
    off_s = abs(said_s - time.time())
    said = f"{off_s:,.0f} s between this clock and the image buffer's server"
    if off_s >= REFUSED_S:
        yield wrong("clock and servers", f"{said}: it refuses everything signed so far off", _KEEP_IT)
    elif off_s >= SERVER_S:
        yield warning("clock and servers", said, _KEEP_IT)
    else:
        yield ok("clock and servers", said)


def _kernel() -> tuple[bool, float] | None:
    """(synchronised, most that it is off in seconds); None where nobody says."""
    try:
        timex = _Timex()
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else (state != _ERROR and not timex.status & _UNSYNCHRONISED, timex.maxerror / 1e6)


def _server_time_s(url: str) -> float | None:
    """By its Date header; None when it does not answer, which the check of the stores says."""
    import httpx

    try:
        date = httpx.head(url, timeout=TIMEOUT_S).headers.get("Date", "")
        return parsedate_to_datetime(date).timestamp()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
