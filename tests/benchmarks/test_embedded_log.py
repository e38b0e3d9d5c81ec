"""The embedded log against the plainest thing that could store the same bytes: appending to one file."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.embedded.segment_log import SegmentLog
from shared.streams.record import NewRecord

MEGABYTE = 1_000_000
pytestmark = pytest.mark.slow
PRODUCE = """
import os, sys
from pathlib import Path
from shared.adapters.embedded.segment_log import SegmentLog
from shared.streams.record import NewRecord
log, stream, count = SegmentLog(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
producer, value = log.producer(), os.urandom(int(sys.argv[4]))
for _ in range(count):
    producer.send(NewRecord(stream, b"door", value, 0))
producer.flush(120)
log.close()
"""


def seconds(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def append_plainly(file: Path, value: bytes, count: int, *, synced: bool) -> None:
    with file.open("wb", buffering=0) as plain:
        for _ in range(count):
            plain.write(value)
        if synced:
            os.fdatasync(plain.fileno())


@pytest.mark.parametrize("stream", ["frames", "samples"])
def test_100_kb_frames_against_a_plain_append(tmp_path: Path, stream: str, capsys: pytest.CaptureFixture[str]) -> None:
    count, value = 2_000, os.urandom(100_000)
    plain_s = seconds(lambda: append_plainly(tmp_path / "plain", value, count, synced=stream == "samples"))
    with closing(SegmentLog(tmp_path / "log")) as log:
        log.apply()
        producer = log.producer()

        def send_all() -> None:
            for _ in range(count):
                producer.send(NewRecord(stream, b"door", value, 0))
            producer.flush(120)

        log_s = seconds(send_all)
        stored = log.bounds(stream)[0].end
    megabytes = count * len(value) / MEGABYTE
    with capsys.disabled():
        print(
            f"\n{stream}: log {megabytes / log_s:.0f} MB/s, plain {megabytes / plain_s:.0f} MB/s: {log_s / plain_s:.1f} ×"
        )
    assert stored == count


@pytest.mark.parametrize(("stream", "count", "size"), [("frames", 3_000, 100_000), ("predictions", 30_000, 1_000)])
def test_from_one_process_to_another(
    tmp_path: Path, stream: str, count: int, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(SegmentLog(tmp_path)) as log:
        log.apply()
        consumer = log.consumer("g", [stream])
        consumer.poll(0, 1)
        received = 0
        with subprocess.Popen(
            [sys.executable, "-c", PRODUCE, str(tmp_path), stream, str(count), str(size)]
        ) as producing:
            received += len(consumer.poll(60, 500))
            started = time.perf_counter()
            while received < count and time.perf_counter() - started < 120:
                received += len(consumer.poll(1, 500))
            took_s = time.perf_counter() - started
            assert producing.wait(60) == 0
    with capsys.disabled():
        print(
            f"\n{stream} of {size:,} B: {received / took_s:,.0f} msgs/s, {received * size / took_s / MEGABYTE:.0f} MB/s"
        )
    assert received == count
