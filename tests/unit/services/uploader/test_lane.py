"""A lane at its end: whatever its destination was doing for itself then."""

import threading
from concurrent.futures import Future
from pathlib import Path

from services.uploader.destinations.dataset import DatasetFolder, DatasetOptions
from services.uploader.lane import Lane
from shared.adapters.embedded.file_images import FileImages


class Slow(DatasetFolder):
    """Takes its time to tidy up."""

    def __init__(self, folder: Path) -> None:
        super().__init__(DatasetOptions(folder=folder))
        self.released = threading.Event()

    def flush(self, idle: bool) -> None:
        assert self.released.wait(10)


def test_tidying_that_never_began_is_no_error_at_the_end(tmp_path: Path) -> None:
    slow = Slow(tmp_path / "dataset")
    images = FileImages(tmp_path / "images")
    lane = Lane(slow, images, parallel=1)
    lane.tidy(idle=False)
    # Both threads are busy, so that what comes next waits in line and is cancelled there.
    busy = lane._tidying
    lane._tidying = None
    lane._threads.submit(slow.flush, False)
    lane.tidy(idle=True)
    waiting: object = lane._tidying
    lane.close()
    slow.released.set()
    assert [one.cancelled() for one in (busy, waiting) if isinstance(one, Future)] == [False, True]
