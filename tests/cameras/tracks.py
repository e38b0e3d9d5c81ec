"""What an RTSP camera plays: turns become RTP payloads, and an SDP (RFC 8866) says what they are."""

import asyncio
import base64
from typing import Protocol

from tests.cameras import rtp, video
from tests.cameras.camera import Camera
from tests.cameras.faults import Fault
from tests.cameras.images import garbage
from tests.cameras.viewer import Turn

_SPS, _PPS, _KEY_FRAME = 7, 8, 5


class Track(Protocol):
    payload_type: int

    async def payloads(self, turn: Turn) -> list[bytes]:
        """Of the picture that is due, as its fault leaves it."""
        ...

    async def description(self) -> list[str]:
        """Its lines in the SDP."""
        ...


class Jpeg:
    payload_type = rtp.JPEG_TYPE

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    async def payloads(self, turn: Turn) -> list[bytes]:
        whole = rtp.of_jpeg(self._camera.image(_unspoilt(turn)))
        match turn.fault:
            case Fault.GARBAGE:
                return [garbage(turn.number, len(one)) for one in whole]
            case Fault.EMPTY:
                return [one[:6] + b"\0\0" + one[8:] for one in whole]
            case Fault.TRUNCATED:
                return whole[: -(-len(whole) // 2)] if len(whole) > 1 else [whole[0][: len(whole[0]) // 2]]
            case _:
                return whole

    async def description(self) -> list[str]:
        return [f"m=video 0 RTP/AVP {self.payload_type}"]


class H264:
    payload_type = rtp.H264_TYPE

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._group: tuple[video.Units, ...] = ()

    async def payloads(self, turn: Turn) -> list[bytes]:
        at = turn.number % self._camera.spec.gop
        if at == 0 or not self._group:
            self._group = await self._fetch(turn)
        whole = self._group[at]
        match turn.fault:
            case Fault.GARBAGE:
                sizes = [len(one) for one in whole]
                return rtp.of_h264([bytes([0x60 | _KEY_FRAME]) + garbage(turn.number, size) for size in sizes])
            case Fault.TRUNCATED:
                return rtp.of_h264([one[: len(one) // 2 + 1] for one in whole])
            case _:
                return rtp.of_h264(whole)

    async def description(self) -> list[str]:
        first = await self._fetch(Turn(0, 0.0, None))
        sets = [unit for unit in first[0] if unit[0] & 0x1F in (_SPS, _PPS)]
        said = ",".join(base64.b64encode(one).decode() for one in sets)
        return [
            f"m=video 0 RTP/AVP {self.payload_type}",
            f"a=rtpmap:{self.payload_type} H264/{rtp.CLOCK_HZ}",
            f"a=fmtp:{self.payload_type} packetization-mode=1;sprop-parameter-sets={said}",
        ]

    async def _fetch(self, turn: Turn) -> tuple[video.Units, ...]:
        spec = self._camera.spec
        first = turn.number // spec.gop % spec.gops * spec.gop
        return await asyncio.to_thread(video.group, spec, first, *self._camera.size(turn.fault))


def track(camera: Camera) -> Track:
    return H264(camera) if camera.spec.kind == "rtsp-h264" else Jpeg(camera)


async def sdp(camera: Camera) -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", f"s={camera.name}", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
    if camera.fault is Fault.NO_VIDEO:
        lines += ["m=audio 0 RTP/AVP 0", "a=control:track2"]
    else:
        lines += [*await track(camera).description(), f"a=framerate:{camera.spec.fps:g}", "a=control:track1"]
    return "\r\n".join([*lines, ""])


def _unspoilt(turn: Turn) -> Turn:
    """RTP spoils its packets itself; a picture of another size is a whole one."""
    return turn if turn.fault is Fault.RESIZES else Turn(turn.number, turn.media_s, None)
