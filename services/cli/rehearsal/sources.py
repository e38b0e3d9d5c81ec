"""What a dry run looks at: the beginning of files, or the settings' cameras for a while.

Promises: of a video, so many seconds of the video, thinned as a run would; of cameras, so many seconds by the clock. Bounded in
bytes. An interruption ends it early, with what was seen until then.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from services.cli.through import Flowing
from services.sources.config import CameraOptions
from services.sources.files import Source, in_turns
from services.sources.picture import Picture, Unreadable
from services.sources.videos import VideoFile
from shared.bootstrap import open_log
from shared.runtime.lifecycle import Stop
from shared.settings import Settings

IMAGES_PER_S = 10
"""Pictures of a folder that stand for a second: nobody knows at which rate they were taken."""
ASSUMED_FPS = 25.0
"""Of a video that does not say its rate."""
MOST_BYTES = 1_000_000_000
LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class Looked:
    """What was looked at. `seconds`: of which length, by source; None where nobody knows (a folder of pictures)."""

    seconds: dict[str, float | None] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    """Sources with which something is wrong, and what."""
    complaints: tuple[str, ...] = ()
    too_much: bool = False
    """It ended early, since a temporary folder holds no more."""
    until_ms: int | None = None
    """Cameras: when it ended. Each counts from its first frame, since the wait for a connection is no part of its rate."""

    def saw(self, source_id: str, first_ms: int) -> None:
        """A camera's first frame came then."""
        if self.until_ms is not None:
            self.seconds[source_id] = max(1.0, (self.until_ms - first_ms) / 1000)


def look_at_files(flow: Flowing, sources: Sequence[Source], for_s: float, enough: threading.Event) -> Looked:
    """Publishes the beginning of each and waits until it is through."""
    beginnings = [Beginning(source, for_s) for source in sources]
    looked = Looked()
    published = flow.publish(_until(enough, looked, beginnings), _expected(beginnings))
    looked.seconds = {one.source_id: one.seconds for one in beginnings}
    looked.complaints = published.complaints
    return looked


def look_at_cameras(
    flow: Flowing, settings: Settings, cameras: Mapping[str, CameraOptions], for_s: float, enough: threading.Event
) -> Looked:
    """Lets the cameras publish for a while, then waits until what they gave is through."""
    from services.sources.cameras.fleet import Fleet

    fleet, stop, began_s = Fleet(cameras), Stop(), time.monotonic()

    def watch() -> None:
        with open_log(settings) as log:
            fleet.run(log, stop)

    bar = flow.bars.add_task("watching (s)", total=round(for_s))
    with ThreadPoolExecutor(1) as alone:
        watching = alone.submit(watch)
        try:
            while (passed_s := time.monotonic() - began_s) < for_s and not (watching.done() or enough.is_set()):
                if fleet.finished:
                    break
                flow.bars.update(bar, completed=round(passed_s))
                flow.look()
                enough.wait(LOOK_EVERY_S)
        finally:
            stop.set()
        watching.result()
    seconds, until_ms = time.monotonic() - began_s, flow.backend.clock.now_ms()
    flow.bars.update(bar, completed=round(for_s))
    flow.wait()
    wrong = [one for one in fleet.reports() if (one.why and one.state != "ended") or not one.published]
    trouble = {one.source_id: one.why or "no picture yet: look longer, `--for 120`" for one in wrong}
    return Looked(dict.fromkeys(cameras, seconds), trouble, until_ms=until_ms)


@dataclass(slots=True)
class Beginning:
    """The first so many seconds of a source."""

    source: Source
    for_s: float
    last: int = -1
    """Index of the last frame that it gave."""

    @property
    def source_id(self) -> str:
        return self.source.source_id

    @property
    def frames(self) -> int:
        """Frames of the file that are looked at, those that are thinned out included."""
        return max(1, round(self.for_s * (self._fps or IMAGES_PER_S)))

    @property
    def expected(self) -> int | None:
        """How many pictures it will give, None when nobody knows."""
        whole, video = self.source.expected, self.source
        if whole is None:
            return None
        if not isinstance(video, VideoFile) or not video.frames:
            return min(whole, self.frames)
        return round(whole * min(1.0, self.frames / video.frames))

    @property
    def seconds(self) -> float | None:
        """The length of what it gave: from its first frame until its next one would have come."""
        video = self.source
        if not isinstance(video, VideoFile) or self._fps is None:
            return None
        step = max(1.0, self._fps / video.fps) if video.fps else 1.0
        return (self.last + step) / self._fps if self.last >= 0 else 0.0

    @property
    def _fps(self) -> float | None:
        return (self.source.native_fps or ASSUMED_FPS) if isinstance(self.source, VideoFile) else None

    def pictures(self) -> Iterator[Picture | Unreadable]:
        for picture in self.source.pictures():
            if isinstance(picture, Picture):
                if picture.frame_index >= self.frames:
                    return
                self.last = picture.frame_index
            yield picture


def _until(enough: threading.Event, looked: Looked, beginnings: Sequence[Beginning]) -> Iterator[Picture | Unreadable]:
    """Their pictures, until somebody has seen enough or the folder would hold too much."""
    size = 0
    for picture in in_turns(beginnings):
        if enough.is_set():
            return
        size += len(picture.image) if isinstance(picture, Picture) else 0
        if size > MOST_BYTES:
            looked.too_much = True
            return
        yield picture


def _expected(beginnings: Sequence[Beginning]) -> int | None:
    counts = [one.expected for one in beginnings]
    return None if None in counts else sum(count for count in counts if count is not None)
