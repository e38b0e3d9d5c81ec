"""What every test may ask for. Real servers are found or started once per session; see tests/servers.py."""

from tests.servers import servers

__all__ = ["servers"]
