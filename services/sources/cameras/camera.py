"""One camera's life: opened, read, lost and opened again, for ever and alone, on a thread of its own.

Promises: whatever happens to it is counted and told once, with a sentence, and changes nothing for another camera.
After a fault it waits, longer each time, until pictures came for as long as it had waited. Only the end of a file that does
not loop ends it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

from services.sources.cameras.address import Address
from services.sources.cameras.faults import CameraFault
from services.sources.cameras.report import Event as Happening
from services.sources.cameras.report import Record
from services.sources.cameras.stream import Stream, Taken, open_stream
from services.sources.cameras.watch import Stillness
from services.sources.config import CameraOptions
from services.sources.picture import Picture, rfc3339
from shared.errors import SettingsError
from shared.runtime.retry import Backoff
from shared.telemetry import logs, metrics

_FIRST_RETRY_S = 0.5
_SLOWLY = frozenset({"unauthorized", "forbidden"})
"""Somebody mends these by hand; cameras lock out who knocks too often with a wrong password."""
_WARNINGS = frozenset({"lost", "hung", "silent", "frozen"})


@dataclass(slots=True)
class Camera:
    """`hand_over` gets each picture and must not wait. `record` is what is known of it."""

    source_id: str
    options: CameraOptions
    hand_over: Callable[[Picture], None]
    record: Record = field(init=False)
    _stillness: Stillness = field(init=False)
    _backoff: Backoff = field(init=False)
    _taken: int = field(default=0, init=False)
    _began_s: float = field(default=0.0, init=False)
    _waited_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        silent_s = self.options.silent_s + 1 / self.options.fps
        self.record = Record(self.source_id, Address.of(self.options).shown, silent_s)
        self._stillness = Stillness(self.options.frozen_s)
        self._backoff = Backoff(min(_FIRST_RETRY_S, self.options.retry_most_s), self.options.retry_most_s)

    def run(self, stop: Event) -> None:
        """Until `stop`, or the end of a file."""
        while not stop.is_set():
            fault = self._read(stop)
            if stop.is_set():
                return
            if fault is None:
                self._tell(self.record.ended())
                return
            self._tell(self.record.fault(fault), kind=fault.kind, why=str(fault))
            self._waited_s = self.options.retry_most_s if fault.kind in _SLOWLY else self._backoff.next_s()
            stop.wait(self._waited_s)

    def _read(self, stop: Event) -> CameraFault | None:
        """One connection, to its end. None: there is nothing more to come."""
        try:
            with open_stream(self.options, stop, self.record.tally) as stream:
                self._began_s = time.monotonic()
                for taken in stream.pictures():
                    self._took(taken, stream)
            return None
        except CameraFault as fault:
            return fault
        except SettingsError as why:  # the file was there when the settings were read
            return CameraFault("not_found", str(why))
        except Exception as error:  # noqa: BLE001  a fault nobody foresaw is this camera's alone; its text may quote a password
            what = (
                f"{self.record.address}: {type(error).__name__} while reading it; it is opened again. Please report it"
            )
            return CameraFault("broken", what)

    def _took(self, taken: Taken, stream: Stream) -> None:
        self._settle()
        self._stillness.saw(taken.encoded.look, time.monotonic())
        self._tell(self.record.picture(stream.facts, self._frozen), width_px=taken.width_px, height_px=taken.height_px)
        self.hand_over(self._as_picture(taken))
        self._taken += 1

    def _settle(self) -> None:
        """A camera that gives a picture and is lost again, on and on, is no camera that is back."""
        if time.monotonic() - self._began_s >= self._waited_s:
            self._backoff.reset()

    @property
    def _frozen(self) -> str | None:
        if not self._stillness.frozen:
            return None
        return f"the same picture for more than {self.options.frozen_s:g} s: look whether the camera hangs; it is published on"

    def _as_picture(self, taken: Taken) -> Picture:
        """Its id is made of time and number: a frame that is sent again is the same, and no restart repeats one."""
        return Picture(
            source_id=self.source_id,
            image=taken.image,
            frame_index=self._taken,
            producer_frame_id=f"{round(taken.captured_s * 1000)}-{self._taken}",
            captured_at=rfc3339(taken.captured_s),
            content_type=taken.content_type,
            refitted=taken.encoded.refitted,
        )

    def _tell(self, events: Sequence[Happening], **more: object) -> None:
        log = logs.get(source_id=self.source_id, address=self.record.address)
        for event in events:
            metrics.SOURCE_EVENTS.labels(event).inc()
            tell = log.warning if event in _WARNINGS else log.info
            tell(f"source.{event}", **(more | ({"why": self._frozen} if event == "frozen" else {})))
