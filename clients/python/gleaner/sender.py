"""The background thread: sends what waits, one after the other, so that a source's frames stay in order.

Promises: a frame is sent again, under the same idempotency key, until the service has it or says that it never will; while
the service is away it waits, with growing pauses. A counter for every end.
"""

import atexit
import logging
import os
import threading
import time
from collections import Counter
from typing import Any

from gleaner.asking import Asking, pause_s
from gleaner.errors import Dropped, GleanerError, Refused, Unavailable
from gleaner.published import Ids
from gleaner.queue import Queue, Waiting

log = logging.getLogger("gleaner")
AT_EXIT_S = 5.0
"""What waits at the end of the process gets so long."""
QUIET_S = 30.0
"""Between two lines of the log about the same thing."""
MOST_INTERNAL = 5
"""A frame on which the service itself fails so often is given up: those behind it wait."""


class Sender:
    """Starts its thread with the first frame."""

    def __init__(self, asking: Asking, max_bytes: int) -> None:
        self.counts: Counter[str] = Counter()
        self._asking = asking
        self._counting = threading.Lock()
        self._max_bytes = max_bytes
        self._queue = Queue(max_bytes)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._said_s: dict[str, float] = {}

    def put(self, one: Waiting, block_s: float) -> None:
        self._start()
        if self._queue.put(one, block_s):
            return
        if self._queue.is_closed:
            self._drop(one, "closed", "the client was closed while it waited for room")
        else:
            self._drop(one, "queue_full", f"no room for it: more than {self._max_bytes:,} bytes would wait")

    def flush(self, timeout_s: float | None) -> bool:
        """Whether nothing waits any more."""
        return self._queue.wait_empty(timeout_s)

    def waiting(self) -> tuple[int, int]:
        return self._queue.sizes()

    def retire(self) -> None:
        """Nobody publishes any more: the thread ends when all is sent."""
        self._queue.end()

    def close(self) -> None:
        """Gives up what still waits. What is being sent at this moment may arrive."""
        for one in self._queue.close():
            self._drop(one, "closed", "the client was closed while it waited")
        with self._lock:
            if self._thread is None:
                self._asking.close()

    def after_fork(self) -> None:
        """In the child: the frames that waited are the parent's, who sends them."""
        left, self._queue = self._queue, Queue(self._max_bytes)
        self._lock, self._counting, self._thread = threading.Lock(), threading.Lock(), None
        self._asking.reopen()
        for one in left.left_behind():
            one.published._after_fork(Dropped("forked", "the process that published it sends it"))

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, args=(self._queue,), name="gleaner", daemon=True)
                _running.add(self)
                self._thread.start()

    def _run(self, queue: Queue) -> None:
        while (one := queue.first()) is not None:
            self._deliver(queue, one)
            queue.settle(one)
        _running.discard(self)
        self._asking.close()

    def _deliver(self, queue: Queue, one: Waiting) -> None:
        """Until it is settled, one way or the other, or the queue is closed (whoever closed it settles the frame)."""
        failures = 0  # of the service itself, on this frame
        for attempt in range(1_000_000_000):
            try:
                answer = self._post(one)
            except Unavailable as error:
                self._count("retries")
                self._say("unavailable", f"a frame waits: {error}; {queue.sizes()[0]} wait")
                failures += error.code in ("internal", "http_500")
                if failures >= MOST_INTERNAL:
                    self._refuse(one, error)
                    return
                if queue.wait_closed(pause_s(attempt, error)):
                    return
            except GleanerError as error:
                self._refuse(one, error)
                return
            except Exception as error:  # noqa: BLE001  whatever a transport raises: the frames behind this one are sent
                why = f"it cannot be sent: {type(error).__name__}: {error}"
                self._refuse(one, Refused("not_sent", why, "transport"))
                return
            else:
                if one.published._settle(Ids(answer["frame_id"], answer["prediction_id"])):
                    self._count("published")
                return

    def _post(self, one: Waiting) -> dict[str, Any]:
        files = {
            "image": ("image", one.image, "application/octet-stream"),
            "about": (None, one.about, "application/json"),
        }
        answer = self._asking.ask("POST", "/v1/frames", files=files, headers={"Idempotency-Key": one.key})
        if not isinstance(answer, dict) or not {"frame_id", "prediction_id"} <= answer.keys():
            raise Refused("no_ids", "the answer names no frame: is this Gleaner's address?", "url")
        return answer

    def _refuse(self, one: Waiting, error: GleanerError) -> None:
        if one.published._settle(error=error):
            self._count("refused")
            self._say(error.code, f"a frame was refused: {error}")

    def _drop(self, one: Waiting, code: str, message: str) -> None:
        if one.published._settle(error=Dropped(code, message, "queue")):
            self._count("dropped")
            self._say(code, f"a frame was dropped: {message}; {self.counts['dropped']} so far")

    def _count(self, name: str) -> None:
        with self._counting:
            self.counts[name] += 1

    def _say(self, code: str, message: str) -> None:
        """Once in a while: an outage is one line, not one for each frame."""
        now_s = time.monotonic()
        if now_s - self._said_s.get(code, float("-inf")) >= QUIET_S:
            self._said_s[code] = now_s
            log.warning("%s", message)


_running: "set[Sender]" = set()
"""Those with a thread. Kept here, so that a frame is sent although nobody holds its client any more."""


def at_exit() -> None:
    """Whatever waits gets AT_EXIT_S, all together; the rest is dropped, and said."""
    until_s = time.monotonic() + AT_EXIT_S
    for sender in list(_running):
        sender.flush(max(0.0, until_s - time.monotonic()))
        sender.close()


atexit.register(at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)
