"""One server as a process of ours: started on a fixed port, with its own folder and log.

Promises: `start` returns when the server answers, or raises with the end of its log; the same object starts again on
the same port with the same data; when this process ends, even by SIGKILL, the server ends too (unless detached).
"""

import atexit
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.native.leash import Leash

POLL_S = 0.05
LOG_TAIL_LINES = 30


class ServerFailed(RuntimeError):
    """A server ended or did not answer in time; the message ends with its log's last lines."""


class Server(ABC):
    """What Kafka, Redis and MinIO have in common. `detached` ones outlive this process."""

    name: str

    def __init__(self, directory: Path, port: int, *, detached: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = port
        self.log_path = directory / f"{self.name}.log"
        self._detached = detached
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line, installed first when it is missing."""

    @abstractmethod
    def answers(self) -> bool:
        """Is it ready for clients?"""

    def environment(self) -> Mapping[str, str]:
        """What it needs beside the environment of this process."""
        return {}

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, timeout_s: float = 60) -> None:
        """Start it, or do nothing if it runs. Raises ServerFailed."""
        if self.pid is not None:
            return
        self._reap(timeout_s=None)  # it may have crashed: its leash must not outlive it
        self._launch(self.command())
        try:
            self._wait_until_it_answers(timeout_s)
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout_s: float = 15) -> None:
        """SIGTERM, as an operator would; SIGKILL when it takes longer than `timeout_s`."""
        self.thaw()  # a frozen process would never see the SIGTERM
        self._signal(signal.SIGTERM)
        try:
            self._reap(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: no flush, no goodbye."""
        self._signal(signal.SIGKILL)
        self._reap(timeout_s=None)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered, like a host that hangs."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: go on where it was frozen."""
        self._signal(signal.SIGCONT)

    def log_tail(self) -> str:
        """The last lines that it wrote."""
        if not self.log_path.exists():
            return "(no log)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    def _launch(self, command: Sequence[str]) -> None:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own: Ctrl-C in the tests must not stop it half-way
            )
        if not self._detached:
            self._leash = Leash(["sh", "-c", f"kill -KILL -{self._process.pid}"])
            atexit.register(self.kill)

    def _wait_until_it_answers(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not self.answers():
            if self.pid is None:
                raise ServerFailed(f"expected {self.name} to run, it ended; {self.log_path}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"expected {self.name} to answer on port {self.port} within {timeout_s} s; "
                    f"{self.log_path}:\n{self.log_tail()}"
                )
            time.sleep(POLL_S)

    def _signal(self, number: signal.Signals) -> None:
        if (pid := self.pid) is not None:
            os.killpg(pid, number)  # it leads its group, so the group has its number

    def _reap(self, timeout_s: float | None) -> None:
        if self._process is None:
            return
        self._process.wait(timeout_s)
        self._process = None
        atexit.unregister(self.kill)
        if self._leash is not None:
            self._leash.release()
            self._leash = None
