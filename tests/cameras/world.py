"""Many simulated cameras, each at a port of its own, served by one thread."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.cameras.camera import ANSWERS_WITHIN_S, Camera
from tests.cameras.http import serve as serve_http
from tests.cameras.rtsp import serve as serve_rtsp
from tests.cameras.spec import Kind, Spec


class World:
    """The cameras by name, in their order."""

    def __init__(self, cameras: dict[str, Camera]) -> None:
        self._cameras = cameras

    def __getitem__(self, name: str) -> Camera:
        return self._cameras[name]

    def __iter__(self) -> Iterator[Camera]:
        return iter(self._cameras.values())

    def __len__(self) -> int:
        return len(self._cameras)


@contextmanager
def cameras(n: int = 1, kind: Kind = "mjpeg", **options: Any) -> Iterator[World]:
    """`n` cameras alike, named `cam-00` and so on; `options` are fields of Spec."""
    with serving(Spec(f"cam-{number:02}", kind, **options) for number in range(n)) as world:
        yield world


@contextmanager
def serving(specs: Iterable[Spec]) -> Iterator[World]:
    """These cameras, until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulated cameras", daemon=True)
    thread.start()
    world = World({spec.name: Camera(spec, loop, _protocol(spec)) for spec in specs})
    try:
        _on(loop, _each(world, "open"))
        yield world
    finally:
        _on(loop, _each(world, "close"))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(ANSWERS_WITHIN_S)
        loop.close()


def _protocol(spec: Spec) -> Any:
    return serve_rtsp if spec.kind.startswith("rtsp") else serve_http


async def _each(world: World, step: str) -> None:
    for camera in world:
        await getattr(camera, step)()
    await asyncio.sleep(0)  # tasks that were cancelled end


def _on(loop: asyncio.AbstractEventLoop, work: Any) -> None:
    asyncio.run_coroutine_threadsafe(work, loop).result(ANSWERS_WITHIN_S)
