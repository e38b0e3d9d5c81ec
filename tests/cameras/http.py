"""HTTP: MJPEG at `/stream.mjpg`, a picture at `/snapshot.jpg`, HLS at `/live.m3u8`. One answer for each connection."""

import asyncio
from http import HTTPStatus

from tests.cameras import hls
from tests.cameras.answers import answer, give
from tests.cameras.auth import admits, challenge
from tests.cameras.faults import SPOILS, Fault
from tests.cameras.mjpeg import stream
from tests.cameras.request import Request, read_request
from tests.cameras.viewer import Turn, Viewer

_REFUSALS = {
    Fault.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    Fault.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Fault.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Fault.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
}
PAGE = b"<!DOCTYPE html><html><head><title>Camera</title></head><body><h1>Please sign in</h1></body></html>" * 20


async def serve(reader: asyncio.StreamReader, viewer: Viewer) -> None:
    if viewer.fault is Fault.NO_ANSWER:
        await reader.read()
        return
    request = await read_request(reader)
    status = _status(viewer, request)
    if status is not HTTPStatus.OK:
        wanted = (
            {"WWW-Authenticate": challenge(viewer.camera.spec, qop=True)} if status is HTTPStatus.UNAUTHORIZED else {}
        )
        await answer(viewer, status, "text/plain", status.phrase.encode(), **wanted)
    elif viewer.fault is Fault.PAGE:
        await answer(viewer, HTTPStatus.OK, "text/html", PAGE)
    else:
        await _content(viewer, request.target.partition("?")[0])


def _status(viewer: Viewer, request: Request) -> HTTPStatus:
    if viewer.fault in _REFUSALS:
        return _REFUSALS[viewer.fault]
    if not admits(viewer.camera.spec, request):
        viewer.camera.turned_away += 1
        return HTTPStatus.UNAUTHORIZED
    return HTTPStatus.OK


async def _content(viewer: Viewer, path: str) -> None:
    if path == "/stream.mjpg":
        await stream(viewer)
        return
    await viewer.while_it_hangs()
    if path == "/snapshot.jpg":
        await _snapshot(viewer)
    elif (found := await hls.content(viewer.camera.playlist, path, viewer.fault)) is not None:
        await give(viewer, found.content_type, found.body, found.numbers, found.spoilt)
    else:
        await answer(viewer, HTTPStatus.NOT_FOUND, "text/plain", b"Not Found")


async def _snapshot(viewer: Viewer) -> None:
    camera, frozen = viewer.camera, viewer.fault is Fault.FREEZES
    number = max(0, camera.number - 1) if frozen else camera.number
    camera.number = number + 1
    await give(viewer, "image/jpeg", camera.image(Turn(number, 0.0, viewer.fault)), [number], viewer.fault in SPOILS)
