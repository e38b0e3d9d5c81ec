"""One simulated camera: its port, its fault, and the counts of what it served.

Promises: a fault is in force when its assignment returns. Counts are of what was written out: pictures that were cut off are
`spoilt`, never `sent`. Everything but `fault`, `once` and the counts belongs to the thread that serves.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from tests.cameras import images
from tests.cameras.faults import AT_THE_DOOR, POSSIBLE, Fault
from tests.cameras.hls import Playlist
from tests.cameras.spec import Spec
from tests.cameras.viewer import Turn, Viewer

HOST = "127.0.0.1"
ANSWERS_WITHIN_S = 20.0
_PATHS = {"mjpeg": "stream.mjpg", "snapshot": "snapshot.jpg", "hls": "live.m3u8"}

Protocol = Callable[[asyncio.StreamReader, Viewer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Counts:
    """`sent`: the numbers of the pictures, in order. `turned_away`: asked without the right password."""

    connections: int
    watched: int
    deaths: int
    spoilt: int
    turned_away: int
    sent: tuple[int, ...]


class Camera:
    def __init__(self, spec: Spec, loop: asyncio.AbstractEventLoop, protocol: Protocol) -> None:
        self.spec = spec
        self.port = spec.port
        self.connections = 0
        self.deaths = 0
        self.spoilt = 0
        self.turned_away = 0
        self.sent: list[int] = []
        self.number = 0
        self.playlist = Playlist(self)
        self._fault: Fault | None = None
        self._loop = loop
        self._protocol = protocol
        self._viewers: set[Viewer] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._placeholder: socket.socket | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def url(self) -> str:
        """Its address, without a password."""
        return self.url_with("")

    @property
    def url_with_password(self) -> str:
        user, password = quote(self.spec.user or "", safe=""), quote(self.spec.password, safe="")
        return self.url_with(f"{user}:{password}@" if user else "")

    def url_with(self, credentials: str) -> str:
        """`credentials` as they stand before the host, percent-encoded: `user:password@`."""
        path = _PATHS.get(self.spec.kind)
        if path is None:
            return f"rtsp://{credentials}{HOST}:{self.port}/stream"
        return f"http://{credentials}{HOST}:{self.port}/{path}"

    @property
    def watched(self) -> int:
        """Connections open now."""
        return len(self._viewers)

    def counts(self) -> Counts:
        """As they are now."""
        return Counts(self.connections, self.watched, self.deaths, self.spoilt, self.turned_away, tuple(self.sent))

    @property
    def fault(self) -> Fault | None:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._possible(fault)
        asyncio.run_coroutine_threadsafe(self._change(fault), self._loop).result(ANSWERS_WITHIN_S)

    def once(self, fault: Fault) -> int:
        """Strikes those who are connected now; whoever comes later is served well. Returns how many they were.

        For streams: a snapshot or a segment of HLS is a connection of its own, and over at once.
        """
        self._possible(fault)
        return asyncio.run_coroutine_threadsafe(self._strike(fault), self._loop).result(ANSWERS_WITHIN_S)

    def image(self, turn: Turn) -> bytes:
        """The JPEG that is due, as its fault leaves it."""
        width_px, height_px = self.size(turn.fault)
        return images.image(self.spec, turn.number, width_px, height_px, turn.fault)

    def size(self, fault: Fault | None) -> tuple[int, int]:
        times = 2 if fault is Fault.RESIZES else 1
        return times * self.spec.width_px, times * self.spec.height_px

    async def open(self) -> None:
        self._give_up_placeholder()
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for viewer in list(self._viewers):
            viewer.hang_up()
        for task in list(self._tasks):
            task.cancel()
        self._give_up_placeholder()

    async def _change(self, fault: Fault | None) -> None:
        before, self._fault = self._fault, fault
        if fault in AT_THE_DOOR:
            for viewer in list(self._viewers):
                viewer.hang_up()
        if fault is Fault.REFUSES and self._server is not None:
            self._server.close()
            self._server = None
            self._placeholder = _bound(self.port)
        elif before is Fault.REFUSES and fault is not Fault.REFUSES:
            await self.open()

    async def _strike(self, fault: Fault) -> int:
        struck = list(self._viewers)
        for viewer in struck:
            viewer.own_fault = fault
        return len(struck)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        viewer, task = Viewer(self, writer), asyncio.current_task()
        assert task is not None
        self._viewers.add(viewer)
        self._tasks.add(task)
        try:
            await self._protocol(reader, viewer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            viewer.hang_up()  # the other end left, or the camera is switched off
        finally:
            self._viewers.discard(viewer)
            self._tasks.discard(task)
            writer.close()

    def _possible(self, fault: Fault | None) -> None:
        if fault is not None and fault not in POSSIBLE[self.spec.kind]:
            raise ValueError(f"{self.name}: a camera of the kind {self.spec.kind} cannot do {fault.value!r}")

    def _give_up_placeholder(self) -> None:
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None


def _bound(port: int) -> socket.socket:
    """Holds the port without listening: connections are refused, and nobody else gets it meanwhile."""
    holding = socket.socket()
    holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holding.bind((HOST, port))
    return holding
