"""One holder at a time, of all threads and processes."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shared.adapters.embedded.lock import FileLock

HOLD = "import sys; from pathlib import *; from shared.adapters.embedded.lock import FileLock\n"
HOLD += "with FileLock(Path(sys.argv[1])).held(5):\n    print('held', flush=True)\n    input()\n"


def test_another_process_waits_in_vain_until_the_holder_dies(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        lock = FileLock(file)
        with pytest.raises(TimeoutError, match="another process"), lock.held(0.05):
            pass
        holder.kill()
        with lock.held(5):
            assert holder.wait(5) != 0
        lock.close()


def test_another_thread_waits_in_vain(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "a.lock")
    refused: list[str] = []

    def try_it() -> None:
        with pytest.raises(TimeoutError) as raised, lock.held(0.05):
            pass
        refused.append(str(raised.value))

    with lock.held(1):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert "thread" in refused[0]
    with lock.held(1):
        lock_again = FileLock(tmp_path / "a.lock")
        with pytest.raises(TimeoutError), lock_again.held(0.05):
            pass
        lock_again.close()
    lock.close()
