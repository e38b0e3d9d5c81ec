"""A running feedback service for the Python client: the real one, on the embedded adapters, behind a real socket."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from gleaner import Gleaner

from services.feedback.config import FeedbackConfig, FeedbackOptions
from services.feedback.server import listen, serve, url
from shared.streams import FRAMES, PREDICTIONS
from shared.streams.frames import Frame
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from tests.unit.services.feedback.conftest import Site


class Running:
    """The service, which can go away and come back at the same port."""

    def __init__(self, site: Site) -> None:
        self.site = site
        listening = listen(FeedbackOptions(port=0))
        self.url = url(listening)
        self.port = int(listening.getsockname()[1])
        listening.close()

    @contextmanager
    def up(self, **options: Any) -> Iterator["Running"]:
        config = FeedbackConfig.model_validate(
            {"feedback": {"port": self.port, "timeout_s": 5.0, "folder": self.site.folder / "feedback", **options}}
        )
        stop = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(serve, config, self.site, stop, listen(config.feedback))
            try:
                yield self
            finally:
                stop.set()
                done.result(timeout=20)

    def frames(self) -> list[Frame]:
        return [FRAMES.decode(record) for record in self._records("frames")]

    def predictions(self) -> list[Prediction]:
        return [PREDICTIONS.decode(record) for record in self._records("predictions")]

    def _records(self, stream: str) -> list[Record]:
        reader = self.site.log.reader()
        bounds = self.site.log.bounds(stream)
        found = [one for number, b in bounds.items() for one in reader.scan(stream, number, b.start, b.end)]
        reader.close()
        return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """The service's address, with nobody there yet."""
    site = Site(tmp_path)
    yield Running(site)
    site.close()


@pytest.fixture
def service(running: Running) -> Iterator[Running]:
    """The service, answering."""
    with running.up():
        yield running


@pytest.fixture
def client_of() -> Iterator[Callable[..., Gleaner]]:
    """A client of a service; closed at the end of the test without waiting."""
    with ExitStack() as stack:

        def make(running: Running, **options: Any) -> Gleaner:
            client = Gleaner(running.url, **{"source_id": "door", **options})
            stack.callback(client.close, 0.0)
            return client

        yield make
