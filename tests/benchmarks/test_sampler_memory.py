"""The sampler's memory over many predictions of a thousand sources, which all have a past.

By default a tenth of the million that `docs/performance.md` speaks of: GLEANER_BENCH_MEMORY_PREDICTIONS=1000000 takes minutes.
"""

import gc
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from services.sampler.config import SamplerConfig
from services.sampler.service import SamplerService
from shared.runtime.service import Received
from shared.runtime.worker import COLLECT_EVERY
from shared.streams import PREDICTIONS
from shared.streams.record import NewRecord, Record
from tests.benchmarks import walking
from tests.benchmarks.watching import memory_mb
from tests.unit.services.sampler.bench import Bench

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
TOTAL = int(os.environ.get("GLEANER_BENCH_MEMORY_PREDICTIONS", "100000"))
SOURCES, BATCH, LOOKS, MOST_GROWTH = 1000, 500, 10, 0.05


def received(made: Iterable[NewRecord]) -> Iterator[Received]:
    for offset, new in enumerate(made):
        record = Record("predictions", 0, offset, walking.FIRST_MS + offset, new.key, new.value)
        yield Received(record, PREDICTIONS.decode(record))


def feed(sampler: SamplerService, stream: Iterator[Received], total: int) -> int:
    """As the loop does it, but that nothing is published. Returns how many samples and tallies there would have been."""
    outputs = 0
    for _ in range(total // BATCH):
        outputs += len(sampler.handle(list(islice(stream, BATCH))).outputs)
        sampler.confirmed()
    return outputs


def test_memory_stays_flat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collected = gc.get_threshold()
    gc.set_threshold(COLLECT_EVERY)
    bench = Bench.at(tmp_path)
    sampler = SamplerService(SamplerConfig(), bench.backend())
    stream = received(walking.predictions(TOTAL, sources=SOURCES, every_ms=1))
    started_mb, looks, outputs = memory_mb(os.getpid()), [], 0
    for _ in range(LOOKS):
        outputs += feed(sampler, stream, TOTAL // LOOKS)
        looks.append(memory_mb(os.getpid()))
    sampler.close()
    bench.close()
    gc.set_threshold(*collected)
    with capsys.disabled():
        told = ", ".join(f"{mb:.0f}" for mb in looks)
        print(f"| sampler's memory over {TOTAL:,} predictions of {SOURCES:,} sources | {started_mb:.0f} → {told} MB |")
    assert outputs >= TOTAL // 1024, "each finished block of the stream is told"
    assert looks[-1] <= looks[0] * (1 + MOST_GROWTH), (
        f"expected {MOST_GROWTH:.0%} more than after a tenth at most, got {looks}"
    )
