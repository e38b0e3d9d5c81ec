"""Watching a process from outside: its CPU time, its memory, and how far its group has read.

Promises: start-up is left out: the clock starts when the group has its partitions, and ends when the last record is
committed. CPU time comes from the kernel (/proc, in ticks of 10 ms): nothing is added to the process that is measured.
"""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY_S = 0.05
DEADLINE_S = 240.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_KILOBYTES_PER_MB = 1000


@dataclass(frozen=True, slots=True)
class Speed:
    """Records in a time. `cores` is how much of the machine it used, `rss_mb` its memory at the end."""

    records: int
    wall_s: float
    cpu_s: float
    rss_mb: float = 0.0

    @property
    def per_s(self) -> float:
        return self.records / self.wall_s

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per record."""
        return 1000 * self.cpu_s / self.records

    @property
    def cores(self) -> float:
        return self.cpu_s / self.wall_s


def cpu_s(pid: int) -> float:
    """User and system time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def memory_mb(pid: int, of: str = "VmRSS") -> float:
    """Resident memory now; `VmHWM`: the most it ever was."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(lines[of].split()[0]) * 1024 / _KILOBYTES_PER_MB**2


def speed_of(process: "subprocess.Popen[bytes]", done: Callable[[], int], total: int) -> Speed:
    """From now until `done` has reached the total. Fails when the process ends or is late."""
    before_s, started_s = cpu_s(process.pid), time.perf_counter()

    def through() -> bool:
        assert process.poll() is None, f"ended with {process.returncode}"
        return done() >= total

    wait_for(through, f"{total} records", DEADLINE_S)
    wall_s, used_s = time.perf_counter() - started_s, cpu_s(process.pid) - before_s
    return Speed(total, wall_s, used_s, memory_mb(process.pid))


def wait_for(done: Callable[[], bool], what: str, deadline_s: float = 60.0) -> None:
    until_s = time.monotonic() + deadline_s
    while not done():
        assert time.monotonic() < until_s, f"{what}: not within {deadline_s} s"
        time.sleep(LOOK_EVERY_S)
