"""The same cameras in a process of their own, so that what a test measures of its process is not theirs.

Promises: the process ends with the block, and also when the test's process is killed.
"""

import multiprocessing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from tests.cameras.camera import Camera, Counts
from tests.cameras.faults import Fault
from tests.cameras.spec import Spec
from tests.cameras.world import World, serving

_ENDS_WITHIN_S = 20.0


class CameraApart:
    """What a test may ask of a camera elsewhere; as in Camera."""

    def __init__(self, spec: Spec, urls: tuple[str, str], to_it: "Connection[Any, Any]") -> None:
        self.spec = spec
        self.name = spec.name
        self.url, self.url_with_password = urls
        self._to_it = to_it

    @property
    def fault(self) -> Fault | None:
        said: Fault | None = self._ask("fault")
        return said

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._ask("set", fault)

    def once(self, fault: Fault) -> int:
        return int(self._ask("once", fault))

    def counts(self) -> Counts:
        said: Counts = self._ask("counts")
        return said

    def _ask(self, what: str, fault: Fault | None = None) -> Any:
        self._to_it.send((self.name, what, fault))
        return self._to_it.recv()


@contextmanager
def serving_apart(specs: Iterable[Spec]) -> Iterator[dict[str, CameraApart]]:
    """These cameras by name, until the block ends. Not to be asked by several threads at once."""
    context, listed = multiprocessing.get_context("spawn"), list(specs)
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(listed, there), daemon=True)
    process.start()
    there.close()
    try:
        urls: dict[str, tuple[str, str]] = here.recv()
        yield {spec.name: CameraApart(spec, urls[spec.name], here) for spec in listed}
    finally:
        here.close()
        process.join(_ENDS_WITHIN_S)
        process.terminate()


def _serve(specs: list[Spec], asked: "Connection[Any, Any]") -> None:
    with serving(specs) as world:
        asked.send({camera.name: (camera.url, camera.url_with_password) for camera in world})
        try:
            while True:
                asked.send(_answer(world, *asked.recv()))
        except (EOFError, OSError):
            return  # nobody asks any more


def _answer(world: World, name: str, what: str, fault: Fault | None) -> Any:
    camera: Camera = world[name]
    match what:
        case "set":
            camera.fault = fault
            return None
        case "once":
            assert fault is not None
            return camera.once(fault)
        case "counts":
            return camera.counts()
        case _:
            return camera.fault
