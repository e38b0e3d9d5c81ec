"""Images that lie outside of the log are fetched ahead, on threads of their own, so that no lane waits for a store.

Promises: of what is fetched and not predicted yet there are never more bytes than `MOST_BYTES` (one image may be larger).
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from typing import Any

from shared.runtime.pixels import FramePixels
from shared.streams.frames import Frame

THREADS = 8
MOST_BYTES = 128 * 1024 * 1024


class Fetcher:
    """Reads referenced images and passes them on."""

    def __init__(self, pixels: FramePixels) -> None:
        self._pixels = pixels
        self._held = _Held(MOST_BYTES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="inference-fetch")

    def fetch(self, frame: Frame, since_s: float, onward: "Callable[[bytes, Future[Any]], object]") -> "Future[Any]":
        """The future that `onward` is given with the image; Unavailable or InvalidMessage where there is none to be had."""
        future: Future[Any] = Future()
        self._threads.submit(self._fetch, frame, since_s, onward, future)
        return future

    def close(self) -> None:
        self._held.close()
        self._threads.shutdown(cancel_futures=True)

    def _fetch(
        self, frame: Frame, since_s: float, onward: "Callable[[bytes, Future[Any]], object]", future: "Future[Any]"
    ) -> None:
        size = frame.ref.size
        try:
            self._pixels.check(frame)  # before it holds up the others: whoever publishes says the size
            if future.cancelled() or not self._held.take(size):
                return
            future.add_done_callback(lambda _: self._held.give_back(size))
            image = self._pixels.image_of(frame, since_s, lambda: not (future.cancelled() or self._held.closed))
        except Exception as error:  # noqa: BLE001  raised again where the result is asked for
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
        else:
            onward(image, future)


class _Held:
    """Bytes in memory, bounded."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes, self.closed = most, 0, False
        self._changed = Condition()

    def take(self, size: int) -> bool:
        """Waits until they fit, or are alone. False when it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._bytes == 0 or self._bytes + size <= self._most)
            self._bytes += size
            return not self.closed

    def give_back(self, size: int) -> None:
        with self._changed:
            self._bytes -= size
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
