"""How RTP reaches the viewer: between the answers on the same connection, or as datagrams."""

import asyncio
import re
import struct
from collections.abc import Sequence
from typing import Protocol

from tests.cameras.viewer import Viewer


class Delivery(Protocol):
    """`transport`: the header by which RTSP says so."""

    transport: str

    async def pictures(self, packets: Sequence[bytes]) -> None: ...

    async def report(self, packet: bytes) -> None: ...

    def close(self) -> None: ...


class Interleaved:
    """RFC 2326, 10.12."""

    def __init__(self, viewer: Viewer, asked: str) -> None:
        channels = re.search(r"interleaved=(\d+)-(\d+)", asked)
        self._viewer = viewer
        self._rtp, self._rtcp = map(int, channels.groups()) if channels else (0, 1)
        self.transport = f"RTP/AVP/TCP;unicast;interleaved={self._rtp}-{self._rtcp}"

    async def pictures(self, packets: Sequence[bytes]) -> None:
        await self._viewer.send(b"".join(_framed(self._rtp, packet) for packet in packets))

    async def report(self, packet: bytes) -> None:
        await self._viewer.send(_framed(self._rtcp, packet))

    def close(self) -> None:
        """Its connection is the viewer's."""


class Datagrams:
    """One socket for each of RTP and RTCP."""

    def __init__(self, rtp: asyncio.DatagramTransport, rtcp: asyncio.DatagramTransport, client: str) -> None:
        self._rtp, self._rtcp = rtp, rtcp
        ports = "-".join(str(one.get_extra_info("sockname")[1]) for one in (rtp, rtcp))
        self.transport = f"RTP/AVP;unicast;client_port={client};server_port={ports}"

    async def pictures(self, packets: Sequence[bytes]) -> None:
        for packet in packets:
            self._rtp.sendto(packet)

    async def report(self, packet: bytes) -> None:
        self._rtcp.sendto(packet)

    def close(self) -> None:
        self._rtp.close()
        self._rtcp.close()


async def delivery(viewer: Viewer, asked: str) -> Delivery:
    """As the `Transport` header asks."""
    client = re.search(r"client_port=(\d+)-(\d+)", asked)
    if client is None:
        return Interleaved(viewer, asked)
    host = viewer.writer.get_extra_info("peername")[0]
    rtp, rtcp = [await _towards(host, int(port)) for port in client.groups()]
    return Datagrams(rtp, rtcp, "-".join(client.groups()))


async def _towards(host: str, port: int) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, port))
    return transport


def _framed(channel: int, packet: bytes) -> bytes:
    return b"$" + struct.pack(">BH", channel, len(packet)) + packet
