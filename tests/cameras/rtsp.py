"""RTSP 1.0 (RFC 2326): OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN; pictures over TCP or UDP."""

import asyncio
from contextlib import suppress
from http import HTTPStatus

from tests.cameras.answers import answer
from tests.cameras.auth import admits, challenge
from tests.cameras.delivery import Delivery, delivery
from tests.cameras.faults import SPOILS, Fault
from tests.cameras.http import PAGE
from tests.cameras.request import Request, read_request
from tests.cameras.rtp import Packer
from tests.cameras.tracks import sdp, track
from tests.cameras.viewer import Viewer

METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN")
_REFUSALS = {
    Fault.UNAUTHORIZED: "401 Unauthorized",
    Fault.FORBIDDEN: "403 Forbidden",
    Fault.NOT_FOUND: "404 Not Found",
    Fault.BUSY: "453 Not Enough Bandwidth",
}
_SESSION, _TIMEOUT_S = "4D1C2E", 60
_REPORT_EVERY = 50


async def serve(reader: asyncio.StreamReader, viewer: Viewer) -> None:
    if viewer.fault is Fault.NO_ANSWER:
        await reader.read()
        return
    session = _Session(viewer)
    try:
        while await session.reply(await _next_request(reader)):
            pass
    finally:
        await session.close()


async def _next_request(reader: asyncio.StreamReader) -> Request:
    """What the viewer reports about the stream stands between its requests; it is skipped."""
    while (first := await reader.readexactly(1)) == b"$":
        head = await reader.readexactly(3)
        await reader.readexactly(int.from_bytes(head[1:], "big"))
    return await read_request(reader, first)


class _Session:
    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._delivery: Delivery | None = None
        self._playing: asyncio.Task[None] | None = None

    async def reply(self, request: Request) -> bool:
        """False when the session is over."""
        viewer = self._viewer
        if viewer.fault is Fault.PAGE:
            await answer(viewer, HTTPStatus.BAD_REQUEST, "text/html", PAGE)
            return False
        if self._playing is not None:
            await viewer.while_it_hangs()
        if request.method != "OPTIONS" and (refused := self._refusal(request)):
            await self._answer(request, refused, *self._challenge(refused))
            return True
        await self._do(request)
        return request.method != "TEARDOWN"

    async def close(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await self._playing
        if self._delivery is not None:
            self._delivery.close()

    async def _do(self, request: Request) -> None:
        match request.method:
            case "OPTIONS":
                await self._answer(request, "200 OK", f"Public: {', '.join(METHODS)}")
            case "DESCRIBE":
                base = f"Content-Base: {request.target.rstrip('/')}/"
                await self._answer(request, "200 OK", base, body=await sdp(self._viewer.camera))
            case "SETUP":
                self._delivery = await delivery(self._viewer, request.headers.get("transport", ""))
                await self._answer(request, "200 OK", f"Transport: {self._delivery.transport}", self._session)
            case "PLAY" if self._delivery is not None:
                await self._answer(request, "200 OK", self._session, "Range: npt=0.000-")
                self._playing = asyncio.create_task(_play(self._viewer, self._delivery))
            case "GET_PARAMETER" | "TEARDOWN":
                await self._answer(request, "200 OK", self._session)
            case "PLAY":
                await self._answer(request, "455 Method Not Valid in This State")
            case _:
                await self._answer(request, "501 Not Implemented")

    @property
    def _session(self) -> str:
        return f"Session: {_SESSION};timeout={_TIMEOUT_S}"

    def _refusal(self, request: Request) -> str | None:
        camera = self._viewer.camera
        if self._viewer.fault in _REFUSALS:
            return _REFUSALS[self._viewer.fault]
        if not admits(camera.spec, request):
            camera.turned_away += 1
            return _REFUSALS[Fault.UNAUTHORIZED]
        return None

    def _challenge(self, refused: str) -> list[str]:
        wanted = refused == _REFUSALS[Fault.UNAUTHORIZED]
        return [f"WWW-Authenticate: {challenge(self._viewer.camera.spec, qop=False)}"] if wanted else []

    async def _answer(self, request: Request, status: str, *headers: str, body: str = "") -> None:
        lines = [f"RTSP/1.0 {status}", f"CSeq: {request.headers.get('cseq', '0')}", *headers]
        if body:
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        await self._viewer.send("\r\n".join([*lines, "", body]).encode())


async def _play(viewer: Viewer, to: Delivery) -> None:
    shown = track(viewer.camera)
    packer, turns = Packer(shown.payload_type), 0
    async for turn in viewer.turns():
        turns += 1
        if turn.fault is Fault.HANGS:
            continue
        if turn.fault is Fault.SILENT or turns % _REPORT_EVERY == 0:
            await to.report(packer.report(turn.media_s))
        if turn.fault is Fault.SILENT:
            continue
        packets = packer.pack(await shown.payloads(turn), turn.media_s)
        if turn.fault is Fault.DIES:
            await to.pictures(packets[: len(packets) // 2])
            viewer.die()
            return
        await to.pictures(packets)
        viewer.count(turn.number, spoilt=turn.fault in SPOILS)
