"""What every test may ask for, and what none leaves behind. Real servers are found or started once per session."""

import signal

import hypothesis
import pytest
import structlog

from shared.telemetry import logs
from tests.servers import own_servers, servers

__all__ = ["own_servers", "servers"]

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("gleaner", deadline=None)
hypothesis.settings.load_profile("gleaner")


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> None:
    """A shell's background job ignores Ctrl-C, and whatever the tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> None:
    """A command that a test runs in this process says how much it logs; the next test must not inherit that."""
    structlog.contextvars.clear_contextvars()
    logs.configure("tests", "WARNING")
