"""A look at cameras, each alone and all at once: do they answer, what do they send, what does reading them cost?

Promises: returns whatever the cameras do, `for_s` after the last one's first picture or when its time limits are over; one
that is dead changes nothing for the others. Read as `run` reads them: same thinning, same decoding.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.sources.cameras import faults
from services.sources.cameras.address import Address
from services.sources.cameras.decoding import IMAGES, come_often_enough
from services.sources.cameras.faults import CameraFault
from services.sources.cameras.stream import Facts, Stream, Taken, Tally, open_stream
from services.sources.config import CameraOptions
from shared.errors import SettingsError

TICK_S = 0.1
_SETTLED_S = 2.0
"""So long, at least, is measured once key frames alone are decoded."""
_LEARNT_AFTER = 1.5
"""Spacings of key frames after the first one, until a stream trusts them: see decoding.py."""
_GRACE_S = 1.0
_QUIET_S, _QUIET_GAPS = 2.0, 3
"""So long, and so many times its longest gap, without a picture: it has stopped sending."""
_AND_THEN = "; it is opened again"
"""Of a camera that runs; a look opens nothing again."""
_LONGEST_CLOSING_S = 1.0


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of one camera. `cores`: CPU seconds per second that reading takes; `fault`, `why`: what is wrong, or None."""

    source_id: str
    address: str
    wanted_fps: float
    fault: str | None = None
    why: str | None = None
    codec: str = ""
    width_px: int = 0
    height_px: int = 0
    native_fps: float | None = None
    keyframe_every_s: float | None = None
    decode: str = "auto"
    looked_s: float = 0.0
    pictures: int = 0
    picture: bytes | None = field(default=None, repr=False)
    bytes_per_picture: float | None = None
    cores: float | None = None

    @property
    def fine(self) -> bool:
        return self.fault is None

    @property
    def only_images(self) -> bool:
        """Every picture stands for itself: there are no key frames."""
        return self.codec in IMAGES

    @property
    def fps(self) -> float:
        """Pictures a second that it publishes: what is wanted, or what there is."""
        key_frames = 1 / self.keyframe_every_s if self.decode == "keyframes" and self.keyframe_every_s else None
        return min((rate for rate in (self.wanted_fps, self.native_fps, key_frames) if rate), default=0.0)


OnTick = Callable[[Sequence["Looking"]], None]


def probe(cameras: Mapping[str, CameraOptions], for_s: float, on_tick: OnTick = lambda _: None) -> list[Probed]:
    """One result per camera, in their order. `on_tick` is told some times a second how far each is."""
    looking = [Looking(name, options, for_s) for name, options in cameras.items()]
    for one in looking:
        one.start()
    try:
        while not all(one.over for one in looking):
            time.sleep(TICK_S)
            for one in looking:
                one.tick()
            on_tick(looking)
    finally:
        for one in looking:
            one.stop.set()
    until_s = time.monotonic() + _LONGEST_CLOSING_S
    for one in looking:
        one.join(max(0.0, until_s - time.monotonic()))
    return [one.result() for one in looking]


@dataclass(slots=True)
class _Cost:
    """CPU time of one thread over a stretch of time, read from outside it."""

    clock: int
    from_s: float = field(default_factory=time.monotonic)
    used_s: float = 0.0
    until_s: float = 0.0
    _used_before_s: float = 0.0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.from_s, self._used_before_s = time.monotonic(), time.clock_gettime(self.clock)

    def read(self) -> None:
        try:
            self.used_s = time.clock_gettime(self.clock) - self._used_before_s
            self.until_s = time.monotonic()
        except OSError:
            return  # the thread is gone: what was read last holds

    @property
    def cores(self) -> float | None:
        took_s = self.until_s - self.from_s
        return self.used_s / took_s if took_s >= TICK_S else None


class Looking(threading.Thread):
    """One camera being looked at. A daemon: what hangs in a name look-up is not waited for."""

    def __init__(self, source_id: str, options: CameraOptions, for_s: float) -> None:
        super().__init__(name=f"look-{source_id}", daemon=True)
        self.source_id, self.options, self.for_s = source_id, options, for_s
        self.stop = threading.Event()
        self.pictures, self.bytes = 0, 0
        self.fault: CameraFault | SettingsError | None = None
        self._began_s, self._looked_s = time.monotonic(), 0.0
        self._first_s: float | None = None
        self._last_s = self._longest_gap_s = 0.0
        self._settles_s: float | None = None
        self.over = False
        self._last: Taken | None = None
        self._cost: _Cost | None = None
        self._facts = Facts()
        self._tally = Tally()
        self._connected = False

    def run(self) -> None:
        try:
            with open_stream(self.options, self.stop, self._tally) as stream:
                self._facts, self._connected = stream.facts, True
                self._read(stream)
        except (CameraFault, SettingsError) as fault:
            self._note(fault)
        except Exception as error:  # one camera's surprise is a line of its own; the traceback follows
            self._note(
                CameraFault(
                    "broken", f"{shown(self.options)}: Gleaner failed ({type(error).__name__}); please report it"
                )
            )
            raise

    def tick(self) -> None:
        """Some times a second: takes the measures, and stops the look when its time has come."""
        now_s = time.monotonic()
        if self.over:
            return
        self._measure(now_s)
        self._looked_s = now_s - (self._first_s or self._began_s)
        if not self.is_alive() or now_s >= self._until_s():
            self._end(now_s)

    def _end(self, now_s: float) -> None:
        if self.is_alive() and self._has_stopped_sending(now_s):
            quiet_s = now_s - self._last_s
            self._note(
                CameraFault(
                    "silent", f"{shown(self.options)} gave {self.pictures} pictures, then none for {quiet_s:.0f} s"
                )
            )
        self.over = True
        self.stop.set()

    @property
    def state(self) -> str:
        if self.fault is not None:
            return "dead"
        return "answers" if self.pictures else "asked"

    def result(self) -> Probed:
        facts, fault = self._facts, self.fault or self._silence()
        return Probed(
            source_id=self.source_id,
            address=shown(self.options),
            wanted_fps=self.options.fps,
            fault=kind_of(fault),
            why=None if fault is None else str(fault).removesuffix(_AND_THEN),
            codec=facts.codec or "",
            width_px=facts.width_px or 0,
            height_px=facts.height_px or 0,
            native_fps=None if facts.snapshot else facts.native_fps,  # fetched as often as is wanted
            keyframe_every_s=facts.keyframe_every_s,
            decode=self.options.decode,
            looked_s=self._looked_s,
            pictures=self.pictures,
            picture=self._last.image if self._last else None,
            bytes_per_picture=self.bytes / self.pictures if self.pictures else None,
            cores=self._cost.cores if self._cost else None,
        )

    def _read(self, stream: Stream) -> None:
        clock = time.pthread_getcpuclockid(threading.get_ident())
        for taken in stream.pictures():
            now_s = time.monotonic()
            if self._first_s is None:
                self._cost, self._first_s = _Cost(clock), now_s
            else:
                self._longest_gap_s = max(self._longest_gap_s, now_s - self._last_s)
            self._last, self._last_s = taken, now_s
            self.pictures += 1
            self.bytes += len(taken.image)

    def _note(self, fault: CameraFault | SettingsError) -> None:
        """What comes of the look's own end is no fault."""
        if not self.over or not self.pictures:
            self.fault = fault

    def _until_s(self) -> float:
        if self._first_s is None:
            return self._began_s + self.options.open_timeout_s + self._first_picture_within_s + _GRACE_S
        return max(self._first_s + self.for_s, (self._settles_s or 0.0) + _SETTLED_S)

    @property
    def _first_picture_within_s(self) -> float:
        return max(self.for_s, self.options.read_timeout_s)

    def _measure(self, now_s: float) -> None:
        """Until a stream trusts its key frames everything is decoded, which is not what reading it will cost."""
        if self._cost is None:
            return
        if self._settles_s is None and self._key_frames_will_do:
            learnt_s = now_s + _LEARNT_AFTER * (self._facts.keyframe_every_s or 0.0)
            self._settles_s = min(learnt_s, now_s + 2 * self.for_s)
        if self._settles_s is not None and self._cost.from_s < self._settles_s <= now_s:
            self._cost.restart()
        self._cost.read()

    def _has_stopped_sending(self, now_s: float) -> bool:
        """A playlist's segments come with gaps; else pictures that came evenly go on so."""
        if self.pictures < 2 or self._facts.format == "hls":
            return False
        return now_s - self._last_s > max(_QUIET_S, _QUIET_GAPS * max(self._longest_gap_s, 1 / self.options.fps))

    @property
    def _key_frames_will_do(self) -> bool:
        often = come_often_enough(self._facts.keyframe_every_s, self.options.fps)
        return self.options.decode == "auto" and often

    def _silence(self) -> CameraFault | None:
        """Nothing came, and nothing was said about it."""
        if self.pictures:
            return None
        address = Address.of(self.options)
        if self._connected:
            return faults.silent(address, self._first_picture_within_s, self._tally.last_refusal)
        return CameraFault("no_answer", f"{address.shown} did not answer within {self.options.open_timeout_s:g} s")


def kind_of(fault: CameraFault | SettingsError | None) -> str | None:
    return fault.kind if isinstance(fault, CameraFault) else None if fault is None else "settings"


def shown(options: CameraOptions) -> str:
    """The address for people; of one that is none, nothing."""
    try:
        return Address.of(options).shown
    except SettingsError:
        return ""
