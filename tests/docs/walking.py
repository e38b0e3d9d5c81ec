"""One reader at one desk: a folder of its own, and a shell that remembers folder and environment from block to block.

Promises: a command that fails, prints something else than the page shows, or takes too long fails the test with what was
said; whatever goes on beside the page is ended with Ctrl-C when the reader leaves.
"""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import Block
from tests.docs.printed import missing

DEADLINE_S = 150.0
SHOWN_WITHIN_S = 60.0
ENGINE_DEADLINE_S = 900.0
END_S = 40.0
LOOK_EVERY_S = 0.05
INTERRUPTED = (0, 130, -signal.SIGINT)
"""How a command that was ended with Ctrl-C may end."""

# A block begins where the last one ended: in the same folder, with the same variables.
_BEGIN = "if [ -e {state} ]; then source {state}; fi; set -eo pipefail"
_REMEMBER = """trap 'status=$?; {{ export -p; printf "cd %q\\n" "$PWD"; }} > {state}; exit $status' EXIT"""


@dataclass
class Started:
    """A command on its way, and where what it says is collected."""

    block: Block
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def what_happened(self) -> str:
        return f"{self.block.where}\n{self.block.text}--- ended with {self.process.poll()}, said\n{self.said[-6000:]}"


@dataclass
class Reader:
    """`tools`: programs of this desk's own. `instead`: what this desk has instead of an address of the page's."""

    folder: Path
    logs: Path
    tools: Path
    environment: Mapping[str, str]
    instead: Mapping[str, str] = field(default_factory=dict)
    executed: int = 0
    compared: int = 0
    beside: list[Started] = field(default_factory=list)

    def follow(self, block: Block) -> None:
        """Does what the block says."""
        self.executed += 1
        if "file" in block.marks:
            path = self.folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._as_here(block), encoding="utf-8")
            return
        started = self._start(block)
        if "stays" in block.marks:
            self.beside.append(started)
            self._until_shown(started)
        elif "ctrl-c" in block.marks:
            self._until_shown(started)
            self._end(started)
        else:
            self._to_its_end(started)

    def leave(self) -> None:
        """Ends what goes on; the latest first, as terminals are closed."""
        while self.beside:
            self._end(self.beside.pop())

    def _start(self, block: Block) -> Started:
        log = self.logs / f"{self.executed:02d}-{block.where.replace(':', '-')}.log"
        state = shlex.quote(str(self.logs / "state"))
        ends = not block.marks.keys() & {"stays", "ctrl-c"}
        begin = [_BEGIN, *([_REMEMBER] if ends else [])]
        script = "\n".join([line.format(state=state) for line in begin] + [self._as_here(block)])
        with log.open("wb") as said:
            process = subprocess.Popen(
                ["bash", "-c", script],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C goes to all of a terminal's processes
            )
        return Started(block, process, log)

    def _as_here(self, block: Block) -> str:
        text = block.text
        for address in block.words("instead of"):
            assert address in text, f"{block.where}: expected {address} in the block"
            text = text.replace(address, self.instead[address])
        return text

    def _to_its_end(self, started: Started) -> None:
        block = started.block
        with suppress(subprocess.TimeoutExpired):
            started.process.wait(ENGINE_DEADLINE_S if block.needs_engine else DEADLINE_S)
        expected = int(block.marks.get("exits", "0"))
        if started.process.poll() != expected:
            _signal(started, signal.SIGKILL)
        assert started.process.poll() == expected, started.what_happened()
        self._compare(started)

    def _until_shown(self, started: Started) -> None:
        """Waits until the last line that the page shows has been printed."""
        deadline_s = time.monotonic() + SHOWN_WITHIN_S
        while missing(started.block.shown or "", started.said) is not None:
            if started.process.poll() is not None or time.monotonic() > deadline_s:
                break
            time.sleep(LOOK_EVERY_S)
        self._compare(started)
        assert started.process.poll() is None, f"expected it to go on\n{started.what_happened()}"

    def _end(self, started: Started) -> None:
        _signal(started, signal.SIGINT)
        try:
            status = started.process.wait(END_S)
        except subprocess.TimeoutExpired:
            _signal(started, signal.SIGKILL)
            raise AssertionError(f"expected Ctrl-C to end it\n{started.what_happened()}") from None
        assert status in INTERRUPTED, started.what_happened()

    def _compare(self, started: Started) -> None:
        if started.block.shown is not None:
            self.compared += 1
            line = missing(started.block.shown, started.said)
            assert line is None, f"expected it to print\n{line}\n{started.what_happened()}"


def _signal(started: Started, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended meanwhile
        os.killpg(started.process.pid, number)
