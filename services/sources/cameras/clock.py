"""Clocks: a stream's timestamps → when a picture was captured, in seconds since 1970 by this machine's clock.

Promises: never in the future, never more than MOST_BEHIND_S before the picture arrived, never back. Timestamps that jump, run
backwards, drift or are missing cost exactness, nothing else.
"""

from dataclasses import dataclass, field

MOST_BEHIND_S = 10.0
"""Further back than a network and a segmented stream delay a picture: the stream's clock has jumped."""
_WINDOW_S = 30.0
_WATCHED_S = 2.0


@dataclass(slots=True)
class LiveClock:
    """The least delay seen lately is what a timestamp is behind arrival: bursts and jitter only ever add to it.

    The least of the current window and of the one before it, so that a camera whose clock drifts is followed.
    """

    _least_s: float | None = field(default=None, init=False)
    _least_before_s: float | None = field(default=None, init=False)
    _window_began_s: float = field(default=0.0, init=False)
    _stream_s: float = field(default=float("-inf"), init=False)
    _last_stream_s: float = field(default=float("-inf"), init=False)
    _last_s: float = field(default=float("-inf"), init=False)

    def captured_s(self, stream_s: float | None, arrived_s: float) -> float:
        """`stream_s`: the picture's timestamp, None where it has none. `arrived_s`: now."""
        captured_s = arrived_s if stream_s is None else stream_s + self._behind_s(stream_s, arrived_s)
        self._last_s = min(arrived_s, max(captured_s, self._last_s))
        return self._last_s

    def _behind_s(self, stream_s: float, arrived_s: float) -> float:
        delay_s = arrived_s - stream_s
        # A clock that was set back, or a file that begins again; presented pictures never run backwards otherwise.
        back, self._last_stream_s = stream_s < self._last_stream_s, stream_s
        if self._least_s is None or back or abs(delay_s - self._now_least_s) > MOST_BEHIND_S:
            self._least_s, self._least_before_s, self._window_began_s = delay_s, None, arrived_s
        elif arrived_s - self._window_began_s > _WINDOW_S:
            self._least_before_s, self._least_s, self._window_began_s = self._least_s, delay_s, arrived_s
        self._least_s = min(self._least_s, delay_s)
        return self._now_least_s

    @property
    def _now_least_s(self) -> float:
        least_s = 0.0 if self._least_s is None else self._least_s
        return least_s if self._least_before_s is None else min(least_s, self._least_before_s)


@dataclass(slots=True)
class Pace:
    """For a recording that is played as if it happened now: when each packet is due, by this machine's clock."""

    _offset_s: float | None = field(default=None, init=False)
    _last_s: float = field(default=float("-inf"), init=False)

    def due_s(self, stream_s: float | None, now_s: float) -> float:
        """At most MOST_BEHIND_S from now. Where the recording jumps, or the machine cannot keep up: now."""
        if stream_s is None:
            return now_s
        if self._offset_s is None or stream_s < self._last_s or abs(stream_s + self._offset_s - now_s) > MOST_BEHIND_S:
            self._offset_s = now_s - stream_s
        self._last_s = stream_s
        return stream_s + self._offset_s

    def captured_s(self, stream_s: float | None, now_s: float) -> float:
        """When a picture of such a packet is captured; a decoder gives pictures out later than their packets, or at once."""
        if stream_s is None or self._offset_s is None:
            return now_s
        return min(stream_s + self._offset_s, now_s + MOST_BEHIND_S)


@dataclass(slots=True)
class Rate:
    """Pictures per second as they arrive, for streams that do not say. None until it has been watched for a while."""

    _began_s: float | None = field(default=None, init=False)
    _count: int = field(default=0, init=False)

    def saw(self, at_s: float) -> float | None:
        if self._began_s is None:
            self._began_s = at_s
            return None
        self._count += 1
        elapsed_s = at_s - self._began_s
        return self._count / elapsed_s if elapsed_s >= _WATCHED_S else None
