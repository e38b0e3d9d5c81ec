"""What every test may ask for. Real servers are found or started once per session; see tests/servers.py."""

from tests.servers import own_servers, servers

__all__ = ["own_servers", "servers"]
