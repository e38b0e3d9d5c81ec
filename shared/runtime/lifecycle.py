"""Lifecycle: how a process is asked to stop. SIGTERM and SIGINT drain; a second one, or a drain too long, ends it.

Promises: ending it hard is safe: at least once delivery and derived ids make whatever was in flight come again.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    timers: list[threading.Timer] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(EXIT_HARD)
        stop.set()
        timers.append(_end_hard_after(drain_s))

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for timer in timers:
            timer.cancel()  # it has drained: what the process does afterwards is not its business
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_hard_after(drain_s: float) -> threading.Timer:
    def end() -> None:
        logs.get().error("drain.too_long", drain_s=drain_s)
        os._exit(EXIT_HARD)

    timer = threading.Timer(drain_s, end)
    timer.daemon = True
    timer.start()
    return timer
