"""A box with an uploader: embedded log and image buffer in a temporary folder, driven by the real worker, step by step."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from services.uploader.config import UploaderConfig, UploaderOptions
from services.uploader.destinations import DestinationOptions, register
from services.uploader.schedule import LONGEST_BACKOFF_S
from services.uploader.service import UploaderService
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.segment_log import SegmentLog
from shared.runtime.clock import SystemClock
from shared.runtime.lifecycle import Stop
from shared.runtime.worker import Worker
from shared.settings import EmbeddedBackend
from shared.streams import SAMPLES, UPLOADS
from shared.streams.samples import Sample, new_sample
from shared.streams.uploads import Receipt
from tests.hosts.forgetful import Forgetful, ForgetfulOptions
from tests.hosts.samples import put_image

register(ForgetfulOptions, Forgetful)


class JumpingClock(SystemClock):
    """The system's clock, some time ahead: backoffs pass without waiting."""

    ahead_s = 0.0

    def now_ms(self) -> int:
        return super().now_ms() + int(self.ahead_s * 1000)

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


class Box:
    def __init__(self, folder: Path, *destinations: DestinationOptions, partitions: int = 1) -> None:
        self.folder = folder
        self.destinations = destinations
        self.log = SegmentLog(folder / "log", partitions=partitions)
        self.log.apply()
        self.images = FileImages(folder / "images")
        self.clock = JumpingClock()
        self._producer = self.log.producer()

    @property
    def config(self) -> UploaderConfig:
        options: dict[str, Any] = {
            "destinations": self.destinations,
            "uploader": UploaderOptions(folder=self.folder / "uploader"),
            "backend": EmbeddedBackend(folder=self.folder),
        }
        return UploaderConfig.model_construct(**options)

    def publish(self, *samples: Sample, with_image: bool = True) -> None:
        for sample in samples:
            if with_image:
                put_image(self.images, sample)
            self._producer.send(new_sample(sample)).result(10)

    def worker(self, kind: type[UploaderService] = UploaderService) -> Worker:
        return Worker(kind(self.config, self.log, self.images, self.clock), self.log, Stop())

    def run_until_settled(self, worker: Worker | None = None, deadline_s: float = 30.0) -> None:
        """Steps a worker until all samples are committed, then drains it."""
        worker = worker or self.worker()
        until_s = time.monotonic() + deadline_s
        while self.lag() > 0:
            assert time.monotonic() < until_s, f"{self.lag()} samples are still open after {deadline_s} s"
            worker.step()
            self.clock.ahead_s += LONGEST_BACKOFF_S
        worker.close()

    def lag(self) -> int:
        committed = self.log.committed("uploader", SAMPLES.name)
        ends = self.log.bounds(SAMPLES.name)
        return sum(bounds.end - committed.get(number, bounds.start) for number, bounds in ends.items())

    def receipts(self) -> list[Receipt]:
        """All of them, in the log's order."""
        found: list[Receipt] = []
        for number, bounds in self.log.bounds(UPLOADS.name).items():
            found += [UPLOADS.decode(r) for r in self.log.reader().scan(UPLOADS.name, number, 0, bounds.end)]
        return found

    def outcomes(self) -> Sequence[tuple[str, str, str]]:
        return [(r.sample_id, r.destination, r.outcome) for r in self.receipts()]

    def close(self) -> None:
        self._producer.close()
        self.log.close()


BoxMaker = Callable[..., Box]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[BoxMaker]:
    """Makes boxes: `box(*destination options, partitions=1)`."""
    with ExitStack() as opened:

        def make(*destinations: DestinationOptions, partitions: int = 1) -> Box:
            made = Box(tmp_path, *destinations, partitions=partitions)
            opened.callback(made.close)
            return made

        yield make
