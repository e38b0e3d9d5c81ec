"""A camera: publishes new frames on a thread of its own, waiting while the log is away, until it is told to stop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from services.sources.picture import Picture
from services.sources.publisher import Published, publish
from tests.e2e.world import World, picture

STOPS_WITHIN_S = 60.0


@dataclass
class Camera:
    world: World
    fps: float
    published: Published = field(default_factory=Published)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def frames(self) -> int:
        """How many are durable, once it has stopped."""
        return self.published.frames

    @contextmanager
    def filming(self) -> Iterator[None]:
        thread = threading.Thread(target=self._film)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(STOPS_WITHIN_S)
        assert not thread.is_alive(), "the publisher still waits for the log"

    def _film(self) -> None:
        with self.world.backend() as backend:
            self.published = publish(backend.log, self._pictures(), self.fps)

    def _pictures(self) -> Iterator[Picture]:
        for seed in count():
            if self._stop.is_set():
                return
            yield picture(seed)
