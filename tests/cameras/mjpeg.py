"""MJPEG: `multipart/x-mixed-replace`, one part per picture."""

from http import HTTPStatus

from tests.cameras.answers import head
from tests.cameras.faults import SPOILS, Fault
from tests.cameras.spec import Spec
from tests.cameras.viewer import Viewer


async def stream(viewer: Viewer) -> None:
    spec = viewer.camera.spec
    await viewer.send(head(HTTPStatus.OK, f"multipart/x-mixed-replace; boundary={spec.boundary}"))
    async for turn in viewer.turns():
        if turn.fault is Fault.HANGS:
            continue
        if turn.fault is Fault.SILENT:
            await viewer.send(b"\r\n")
            continue
        part = _part(spec, viewer.camera.image(turn))
        if turn.fault is Fault.DIES:
            await viewer.send(part[: len(part) // 2])
            viewer.die()
            return
        await viewer.send(part)
        viewer.count(turn.number, spoilt=turn.fault in SPOILS)


def _part(spec: Spec, image: bytes) -> bytes:
    length = f"Content-Length: {len(image)}\r\n" if spec.content_length else ""
    between = "--" + spec.boundary.removeprefix("--")
    return f"{between}\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + image + b"\r\n"
