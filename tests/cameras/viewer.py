"""One connection to a camera: which picture it gets next, when, and what is wrong with it.

Promises: numbers rise by one from picture to picture; one that was passed over was spoilt, one that comes again is frozen.
Nobody who reads slowly gets a burst afterwards.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cameras.faults import FAST_FPS, STANDS_STILL, Fault

if TYPE_CHECKING:
    from tests.cameras.camera import Camera

CLOCK_JUMPS_S = (0.0, 3600.0, -1800.0)
_JUMPS_EVERY = 10
_LOOKS_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Turn:
    """What is due now: the picture of that number, at `media_s` by the camera's clock."""

    number: int
    media_s: float
    fault: Fault | None


class Viewer:
    def __init__(self, camera: "Camera", writer: asyncio.StreamWriter) -> None:
        self.camera = camera
        self.writer = writer
        self.own_fault: Fault | None = None

    @property
    def fault(self) -> Fault | None:
        return self.own_fault or self.camera.fault

    async def turns(self) -> AsyncIterator[Turn]:
        """For ever, at the camera's pace."""
        loop = asyncio.get_running_loop()
        number, media_s, frozen, ticks = self._next_start(self.camera.number), 0.0, False, 0
        due_s = loop.time()
        while True:
            fault = self.fault
            if fault is Fault.FREEZES and not frozen:
                number = self._next_start(number)
            elif frozen and fault is not Fault.FREEZES:
                number += 1
            frozen = fault is Fault.FREEZES
            yield Turn(number, media_s + _jump_s(fault, ticks), fault)
            if not frozen and fault not in STANDS_STILL:
                number += 1
            self.camera.number = max(self.camera.number, number)
            pause_s = 1 / (FAST_FPS if fault is Fault.FAST else self.camera.spec.fps)
            ticks, media_s = ticks + 1, media_s + pause_s
            due_s = max(due_s + pause_s, loop.time() - pause_s)
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    async def while_it_hangs(self) -> None:
        """Returns when it does not."""
        while self.fault is Fault.HANGS:
            await asyncio.sleep(_LOOKS_EVERY_S)

    async def send(self, data: bytes) -> None:
        """Raises ConnectionError when the other end is gone."""
        self.writer.write(data)
        await self.writer.drain()

    def count(self, number: int, spoilt: bool) -> None:
        """A picture was written out."""
        if spoilt:
            self.camera.spoilt += 1
        else:
            self.camera.sent.append(number)

    def die(self) -> None:
        """In the middle of a picture."""
        self.camera.deaths += 1
        self.camera.spoilt += 1
        self.hang_up()

    def hang_up(self) -> None:
        """At once: what is not sent yet is lost."""
        self.writer.transport.abort()

    def _next_start(self, number: int) -> int:
        """The first number from which on pictures can be read."""
        length = self.camera.spec.gop_length
        return -(-number // length) * length


def _jump_s(fault: Fault | None, ticks: int) -> float:
    return CLOCK_JUMPS_S[ticks // _JUMPS_EVERY % len(CLOCK_JUMPS_S)] if fault is Fault.WRONG_CLOCK else 0.0
