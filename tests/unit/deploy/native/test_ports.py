"""Ports: free, on loopback, and out of the way of outgoing connections."""

import socket
from pathlib import Path

from deploy.native.ports import LOOPBACK, free_port, is_free


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server((LOOPBACK, free_port())) as listener:
        assert listener.getsockname()[0] == LOOPBACK


def test_a_port_that_is_taken_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        assert not is_free(listener.getsockname()[1])


def test_ports_lie_below_those_that_outgoing_connections_use() -> None:
    lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(free_port() < lowest_ephemeral for _ in range(50))
