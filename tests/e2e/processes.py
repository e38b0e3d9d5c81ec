"""Services as processes that are forked from one which has read all the code: a start costs no two seconds of imports.

Promises: each is a process of its own with its own environment and main thread, and ends or is killed like any other.
What forking cannot show, the start of a fresh interpreter, is what the tests of the commands and of the containers do.
"""

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.chaos.entry import main

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["__main__", __name__])
STDOUT, STDERR = 1, 2


class Process:
    """`python -m tests.chaos.entry WORDS` as it would run; with the part of `subprocess.Popen` that the tests use."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        log.touch()  # from now on this is the latest log, also before the process says anything
        self.args = ("tests.chaos.entry", *words)
        self._process = _FORKED.Process(target=_become, args=(words, dict(environment), log), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None, "it was started"
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def send_signal(self, how: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, how)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _become(words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as said:
        os.dup2(said.fileno(), STDOUT)
        os.dup2(said.fileno(), STDERR)
    main(*words)
