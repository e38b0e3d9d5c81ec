"""Answers of the web server in a camera: whole ones, and one that breaks off."""

from collections.abc import Sequence
from http import HTTPStatus

from tests.cameras.faults import Fault
from tests.cameras.viewer import Viewer


def head(status: HTTPStatus, content_type: str, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Type: {content_type}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def answer(viewer: Viewer, status: HTTPStatus, content_type: str, body: bytes, **headers: str) -> None:
    await viewer.send(head(status, content_type, Content_Length=str(len(body)), **headers) + body)


async def give(viewer: Viewer, content_type: str, body: bytes, numbers: Sequence[int], spoilt: bool) -> None:
    """Pictures in one answer, counted. A camera that dies gives half of it."""
    if viewer.fault is Fault.DIES:
        broken_off = body[: len(body) // 2]
        await viewer.send(head(HTTPStatus.OK, content_type, Content_Length=str(len(body))) + broken_off)
        viewer.die()
        return
    await answer(viewer, HTTPStatus.OK, content_type, body)
    for number in numbers:
        viewer.count(number, spoilt)
