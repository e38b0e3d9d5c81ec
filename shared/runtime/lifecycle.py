"""Lifecycle: how a process is asked to stop. SIGTERM and SIGINT drain; a second one, or a drain too long, ends it.

Promises: ending it hard is safe: at least once delivery and derived ids make whatever was in flight come again.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType

from shared.errors import GleanerError
from shared.telemetry import logs

EXIT_HARD = 1
EXIT_REFUSED = 2


def as_process(main: Callable[[], None]) -> None:
    """Runs a process's `main`. What a person can act on is one line on stderr and exit status 2, without a traceback."""
    try:
        main()
    except GleanerError as error:
        line = " ".join(str(error).split())
        print("".join(char if char.isprintable() else "?" for char in line), file=sys.stderr)
        sys.exit(EXIT_REFUSED)


class Stop(threading.Event):
    """Set once somebody wants the process to end: `is_set()` and `wait(timeout_s)` are what loops look at."""


@contextmanager
def until_signal(drain_s: float = 30.0) -> Iterator[Stop]:
    """A Stop that SIGTERM and SIGINT set. Restores the former handlers. Main thread only."""
    stop = Stop()
    heard: SimpleQueue[int | None] = SimpleQueue()
    listener = threading.Thread(target=_listen, args=(heard, stop, drain_s), name="signals", daemon=True)
    listener.start()

    def on_signal(number: int, _: FrameType | None) -> None:
        # No more than this: the main thread may hold the very lock that setting the Stop needs, and would wait for itself.
        heard.put(number)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        heard.put(None)  # it has drained: what the process does afterwards is not the listener's business
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(heard: "SimpleQueue[int | None]", stop: Stop, drain_s: float) -> None:
    """The first signal stops; a second one, or a drain that takes too long, ends the process. None: nobody listens any more."""
    if heard.get() is None:
        return
    if stop.is_set():
        os._exit(EXIT_HARD)
    stop.set()
    try:
        second = heard.get(timeout=drain_s)
    except Empty:
        logs.get().error("drain.too_long", drain_s=drain_s)
        os._exit(EXIT_HARD)
    if second is not None:
        os._exit(EXIT_HARD)
