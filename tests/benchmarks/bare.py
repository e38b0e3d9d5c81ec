"""The plainest readers of `predictions`, each a process of its own: consume and commit, and of each record nothing, its JSON
parsed, or the message decoded. `python -m tests.benchmarks.bare HOW TOTAL`, settings as for a service; prints what it took.

Promises: the same polls and commits, and the garbage collector as seldom, as in the services' loop.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

from shared.bootstrap import load_from_environment, open_backend
from shared.ports.log import Consumer
from shared.runtime.worker import COLLECT_EVERY
from shared.streams import PREDICTIONS
from shared.streams.record import Record

POLL, JOIN_S, WAIT_S = 500, 30.0, 5.0
Reading = Callable[[Record], Any]
WAYS: dict[str, Reading] = {
    "consume": lambda record: record.value,
    "json": lambda record: json.loads(record.value or b""),
    "decode": PREDICTIONS.decode,
}


def step(consumer: Consumer, read: Reading, wait_s: float) -> int:
    """One batch, which is held as a service holds it. Returns how many records there were."""
    records = consumer.poll(wait_s, POLL)
    held = [read(record) for record in records]
    positions = {record.source: record.offset + 1 for record in records}
    if positions:
        consumer.commit(positions)
    return len(held)


def main(how: str, total: int) -> None:
    gc.set_threshold(COLLECT_EVERY)
    read = WAYS[how]
    with ExitStack() as opened:
        backend = opened.enter_context(open_backend(load_from_environment()))
        consumer = opened.enter_context(closing(backend.log.consumer(f"bare-{how}", [PREDICTIONS.name])))
        first = done = step(consumer, read, JOIN_S)
        cpu_s, started_s = time.process_time(), time.perf_counter()
        while done < total:
            done += step(consumer, read, WAIT_S)
        print(done - first, time.perf_counter() - started_s, time.process_time() - cpu_s)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
