"""HLS (RFC 8216): a live playlist of short segments that moves on while somebody looks.

Promises: a segment never changes once it was listed. What is wrong with it was decided when it was listed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cameras import video
from tests.cameras.faults import SPOILS, STANDS_STILL, Fault
from tests.cameras.images import garbage
from tests.cameras.viewer import CLOCK_JUMPS_S

if TYPE_CHECKING:
    from tests.cameras.camera import Camera

LISTED = 5
_BEGINS_S = 10.0


@dataclass(frozen=True, slots=True)
class File:
    content_type: str
    body: bytes
    numbers: Sequence[int] = ()
    spoilt: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    index: int
    numbers: tuple[int, ...]
    fault: Fault | None


class Playlist:
    """Of one camera."""

    def __init__(self, camera: "Camera") -> None:
        self._camera = camera
        self._segments: deque[Segment] = deque(maxlen=2 * LISTED)
        self._next_s = time.monotonic() - LISTED * camera.spec.segment_s

    def text(self, fault: Fault | None) -> str:
        self._advance(fault)
        listed = list(self._segments)[-LISTED:]
        first = listed[0].index if listed else 0
        length_s = self._camera.spec.segment_s
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{max(1, round(length_s))}"]
        lines += [f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        for one in listed:
            lines += [f"#EXTINF:{length_s:.3f},", f"{one.index}.ts"]
        return "\n".join([*lines, ""])

    async def segment(self, index: int) -> File | None:
        found = next((one for one in self._segments if one.index == index), None)
        if found is None:
            return None
        return File("video/mp2t", await asyncio.to_thread(self._body, found), found.numbers, found.fault in SPOILS)

    def _advance(self, fault: Fault | None) -> None:
        """Lists what was filmed meanwhile, at most as much as a playlist holds."""
        length_s, now_s = self._camera.spec.segment_s, time.monotonic()
        if fault in STANDS_STILL:
            self._next_s = now_s
        self._next_s = max(self._next_s, now_s - LISTED * length_s)
        while self._next_s + length_s <= now_s:
            self._next_s += length_s
            self._append(fault)

    def _append(self, fault: Fault | None) -> None:
        camera = self._camera
        pictures = max(1, round(camera.spec.fps * camera.spec.segment_s))
        if fault is Fault.FREEZES:
            numbers = (max(0, camera.number - 1),) * pictures
        else:
            numbers = tuple(range(camera.number, camera.number + pictures))
        camera.number = numbers[-1] + 1
        self._segments.append(Segment(self._segments[-1].index + 1 if self._segments else 0, numbers, fault))

    def _body(self, one: Segment) -> bytes:
        spec, wrong_clock = self._camera.spec, one.fault is Fault.WRONG_CLOCK
        jump_s = CLOCK_JUMPS_S[one.index % len(CLOCK_JUMPS_S)] if wrong_clock else 0.0
        begins_s = _BEGINS_S + CLOCK_JUMPS_S[1] + one.index * spec.segment_s + jump_s
        whole = video.segment(spec, one.numbers, self._camera.size(one.fault), begins_s)
        if one.fault is Fault.GARBAGE:
            return garbage(one.index, len(whole))
        return whole[: len(whole) // 2] if one.fault is Fault.TRUNCATED else whole


async def content(playlist: Playlist, path: str, fault: Fault | None) -> File | None:
    """None for what is not there."""
    if path == "/live.m3u8":
        return File("application/vnd.apple.mpegurl", playlist.text(fault).encode())
    name = path.removeprefix("/").removesuffix(".ts")
    return await playlist.segment(int(name)) if path.endswith(".ts") and name.isdigit() else None
