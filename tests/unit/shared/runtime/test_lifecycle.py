"""Stopping, in processes of their own: a signal drains, a second one ends, a drain too long ends too."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from shared.errors import SettingsError
from shared.runtime.lifecycle import EXIT_HARD, as_process, until_signal

DEADLINE_S = 30

DRAINS = """
from shared.runtime.lifecycle import until_signal
with until_signal() as stop:
    print("running", flush=True)
    stop.wait()
    print("drained", flush=True)
"""
NEVER_DRAINS = """
import threading
from shared.runtime.lifecycle import until_signal
with until_signal({drain_s}) as stop:
    print("running", flush=True)
    stop.wait()
    print("draining", flush=True)
    threading.Event().wait()
"""


INTERRUPTED = """
import os, signal
from shared.runtime.lifecycle import until_signal
with until_signal() as stop:
    print("running", flush=True)
    with stop._cond:  # as inside `wait`, for a moment
        os.kill(os.getpid(), signal.SIGTERM)
    stop.wait()
print("drained", flush=True)
"""


@contextmanager
def child(program: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that has said `running`; killed when the test is over."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        expect(process, "running")
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_S)


def expect(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout is not None
    watchdog = threading.Timer(DEADLINE_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout.readline().strip() == line
    finally:
        watchdog.cancel()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(number: signal.Signals) -> None:
    with child(DRAINS) as process:
        process.send_signal(number)
        expect(process, "drained")
        assert process.wait(DEADLINE_S) == 0


def test_a_signal_in_the_moment_in_which_the_stop_is_locked_is_heard() -> None:
    with child(INTERRUPTED) as process:
        expect(process, "drained")
        assert process.wait(DEADLINE_S) == 0


def test_a_second_signal_ends_at_once() -> None:
    with child(NEVER_DRAINS.format(drain_s=1000)) as process:
        process.send_signal(signal.SIGTERM)
        expect(process, "draining")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == EXIT_HARD


def test_a_drain_that_takes_too_long_ends_and_says_so() -> None:
    with child(NEVER_DRAINS.format(drain_s=0.1)) as process:
        process.send_signal(signal.SIGTERM)
        expect(process, "draining")
        output, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == EXIT_HARD
    assert "drain.too_long" in output + errors


def test_the_former_handlers_come_back() -> None:
    handler: Callable[..., None] = lambda *_: None  # noqa: E731
    before = signal.signal(signal.SIGTERM, handler)
    try:
        with until_signal() as stop:
            assert signal.getsignal(signal.SIGTERM) is not handler
            assert not stop.is_set()
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_a_person_can_act_on_is_one_line_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise SettingsError("salt: too short\x1b[2J,\nexpected 16 characters")

    with pytest.raises(SystemExit) as ended:
        as_process(main)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "salt: too short?[2J, expected 16 characters\n"


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    def main() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        as_process(main)
