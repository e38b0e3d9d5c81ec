"""Reports: what is known of one camera, counted in one place and read from any thread.

Promises: a report is a consistent picture of one moment; counts never fall. Nothing in it holds a credential.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from services.sources.cameras.faults import CameraFault
from services.sources.cameras.stream import Facts, Tally
from shared.telemetry import metrics

State = Literal["connecting", "live", "frozen", "down", "ended"]
"""`connecting`: no picture yet. `frozen`: live, but stands still. `down`: `why` says what is wrong; it is tried again."""
Event = Literal["opened", "recovered", "lost", "hung", "silent", "frozen", "moving", "resized", "ended"]

_LATE_S = 5.0


@dataclass(frozen=True, slots=True)
class CameraReport:
    """One camera at one moment. `since_s`: when its state began, seconds since 1970. Counts are since the process began.

    `published`: durable in the log. `dropped`: given up for newer ones while the log was slow or down. `refused`: unusable
    pictures. `reconnects`: came back after a fault. `hung`, `silent`: connections that were; `frozen`: episodes. `fault`: a
    kind of faults.py.
    """

    source_id: str
    address: str
    state: State = "connecting"
    since_s: float = 0.0
    published: int = 0
    dropped: int = 0
    refused: int = 0
    reconnects: int = 0
    hung: int = 0
    silent: int = 0
    frozen: int = 0
    resolution_changes: int = 0
    width_px: int | None = None
    height_px: int | None = None
    native_fps: float | None = None
    codec: str | None = None
    last_picture_age_s: float | None = None
    fault: str | None = None
    why: str | None = None


@dataclass(slots=True)
class Record:
    """A report while it is written: by the camera's thread, and by the loop that publishes.

    `silent_s`: a thread may hang where no time limit reaches it, such as a device's driver; then the report says so by itself.
    """

    source_id: str
    address: str
    silent_s: float
    tally: Tally = field(default_factory=Tally)
    _now: CameraReport = field(init=False)
    _picture_s: float | None = field(default=None, init=False)
    _resized: int = field(default=0, init=False)
    _stands_still: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._now = CameraReport(self.source_id, self.address, since_s=time.time())

    def picture(self, facts: Facts, frozen: str | None) -> Sequence[Event]:
        """A usable picture came. `frozen`: why it counts as standing still. Gives what changed with it, for the log."""
        with self._lock:
            events = [*self._appearance(frozen), *self._resizes()]
            self._picture_s = time.monotonic()
            self._enter("frozen" if frozen else "live", None, frozen)
            self._now = replace(
                self._now,
                reconnects=self._now.reconnects + ("recovered" in events),
                frozen=self._now.frozen + ("frozen" in events),
                codec=facts.codec,
                width_px=facts.width_px,
                height_px=facts.height_px,
                native_fps=facts.native_fps,
            )
            return events

    def fault(self, fault: CameraFault) -> Sequence[Event]:
        """It cannot be read. Gives what changed: nothing, when it is the same again."""
        with self._lock:
            same = self._now.state == "down" and self._now.fault == fault.kind
            self._enter("down", fault.kind, str(fault))
            self._now = replace(
                self._now,
                hung=self._now.hung + (fault.kind == "hung"),
                silent=self._now.silent + (fault.kind == "silent"),
            )
            return [] if same else [_EVENTS.get(fault.kind, "lost")]

    def ended(self) -> Sequence[Event]:
        with self._lock:
            self._enter("ended", None, "the file is at its end")
            return ["ended"]

    def published(self) -> None:
        metrics.SOURCE_PICTURES.labels("published").inc()
        with self._lock:
            self._now = replace(self._now, published=self._now.published + 1)

    def dropped(self) -> None:
        metrics.SOURCE_PICTURES.labels("dropped").inc()
        with self._lock:
            self._now = replace(self._now, dropped=self._now.dropped + 1)

    def report(self) -> CameraReport:
        with self._lock:
            now, age_s = self._now, None if self._picture_s is None else time.monotonic() - self._picture_s
        now = replace(
            now,
            refused=now.refused + self.tally.refused,
            resolution_changes=self.tally.resolution_changes,
            last_picture_age_s=age_s,
        )
        if now.state in ("live", "frozen") and age_s is not None and age_s > self.silent_s + _LATE_S:
            return replace(now, state="down", fault="silent", why=f"no picture for {age_s:.0f} s, and no word why")
        return now

    def unpublishable(self, why: str) -> None:
        """The log will never take that picture."""
        metrics.SOURCE_PICTURES.labels("refused").inc()
        with self._lock:
            self._now = replace(self._now, refused=self._now.refused + 1, why=why)

    def _appearance(self, frozen: str | None) -> list[Event]:
        before = self._now.state
        came: list[Event] = ["opened"] if self._picture_s is None else ["recovered"] if before == "down" else []
        if frozen and not self._stands_still:
            came.append("frozen")
        elif not frozen and self._stands_still:
            came.append("moving")
        self._stands_still = frozen is not None
        return came

    def _resizes(self) -> list[Event]:
        """Counted where pictures are taken; told here."""
        news = self.tally.resolution_changes - self._resized
        self._resized += news
        return ["resized"] if news else []

    def _enter(self, state: State, fault: str | None, why: str | None) -> None:
        since_s = self._now.since_s if self._now.state == state else time.time()
        self._now = replace(self._now, state=state, since_s=since_s, fault=fault, why=why)


_EVENTS: Mapping[str, Event] = {"hung": "hung", "silent": "silent"}
