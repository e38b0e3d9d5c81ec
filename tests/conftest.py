"""What every test may ask for, and what none leaves behind. Real servers are found or started once per session."""

from collections.abc import Iterator

import pytest
import structlog

from tests.servers import own_servers, servers

__all__ = ["own_servers", "servers"]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command that a test runs in this process says how much it logs; the next test must not inherit that."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
