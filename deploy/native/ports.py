"""Loopback ports that stay free while their server is stopped.

They lie below Linux's ephemeral range (32768 and up): a port from `bind(0)` may become the source port of
somebody's connection while a test has its server stopped, or a retrying client may even connect to itself.
"""

import random
import socket

LOOPBACK = "127.0.0.1"
LOWEST_PORT = 20_000
HIGHEST_PORT = 32_000
ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Can somebody listen on this loopback port now?"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A random free port; random, so that two test runs at once seldom pick the same.

    Raises OSError when nothing was free in 200 attempts.
    """
    for port in random.SystemRandom().sample(range(LOWEST_PORT, HIGHEST_PORT), ATTEMPTS):
        if is_free(port):
            return port
    raise OSError(f"expected a free port in {LOWEST_PORT}..{HIGHEST_PORT}, tried {ATTEMPTS}: see `ss -ltn`")
