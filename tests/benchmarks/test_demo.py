"""The demo as a new user sees it: how long until the first kept image lies in the dataset, and what it takes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.watching import memory_mb, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_first_kept_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    images = folder / "dataset" / "images"
    started_s = time.monotonic()
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "demo", "--folder", str(folder)], stdout=said, stderr=said
        )
    try:
        wait_for(lambda: any(images.glob("*.jpg")), "the first kept image", 120)
        first_s = time.monotonic() - started_s
        peak_mb = 0.0
        while process.poll() is None:
            peak_mb = max(peak_mb, _peak_mb(process.pid))
            time.sleep(0.1)
    finally:
        process.kill()
    assert process.wait() == 0, (tmp_path / "said").read_text(errors="replace")
    kept = len(list(images.glob("*.jpg")))
    with capsys.disabled():
        print(
            f"| demo | first kept image after {first_s:.1f} s, ended after {time.monotonic() - started_s:.1f} s with {kept}, "
            f"at most {peak_mb:.0f} MB | load {os.getloadavg()[0]:.1f} |"
        )
    assert kept > 0


def _peak_mb(pid: int) -> float:
    """0 for a process that is just ending and has no memory any more."""
    try:
        return memory_mb(pid, "VmHWM")
    except (KeyError, OSError):
        return 0.0
