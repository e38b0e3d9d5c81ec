"""RTP (RFC 3550) packets of H.264 (RFC 6184) and JPEG (RFC 2435), and sender reports."""

import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CLOCK_HZ = 90_000
H264_TYPE, JPEG_TYPE = 96, 26
_LONGEST = 1400
_SSRC = 0x5EED
_NTP_EPOCH = 2_208_988_800
_FU_A = 28
_420, _422 = 1, 0


@dataclass
class Packer:
    """Numbers packets, as one stream."""

    payload_type: int
    sequence: int = 0
    packets: int = 0
    octets: int = 0

    def pack(self, payloads: Sequence[bytes], media_s: float) -> list[bytes]:
        """The packets of one picture; the last one carries the marker."""
        return [self._packet(one, media_s, one is payloads[-1]) for one in payloads]

    def report(self, media_s: float) -> bytes:
        """An RTCP sender report."""
        now_s = time.time() + _NTP_EPOCH
        ntp = int(now_s) << 32 | int(now_s % 1 * (1 << 32))
        return struct.pack(">BBHIQIII", 0x80, 200, 6, _SSRC, ntp, _timestamp(media_s), self.packets, self.octets)

    def _packet(self, payload: bytes, media_s: float, last: bool) -> bytes:
        self.sequence = (self.sequence + 1) % (1 << 16)
        self.packets = (self.packets + 1) % (1 << 32)
        self.octets = (self.octets + len(payload)) % (1 << 32)
        head = struct.pack(">BBHII", 0x80, last << 7 | self.payload_type, self.sequence, _timestamp(media_s), _SSRC)
        return head + payload


def of_h264(units: Sequence[bytes]) -> list[bytes]:
    return [payload for unit in units for payload in _of_unit(unit)]


def _of_unit(unit: bytes) -> Iterator[bytes]:
    """The unit itself, or its fragments (RFC 6184, 5.8)."""
    if len(unit) <= _LONGEST:
        yield unit
        return
    head, body = unit[0], unit[1:]
    pieces = [body[at : at + _LONGEST - 2] for at in range(0, len(body), _LONGEST - 2)]
    for number, piece in enumerate(pieces):
        begins, ends = number == 0, number == len(pieces) - 1
        yield bytes([head & 0xE0 | _FU_A, begins << 7 | ends << 6 | head & 0x1F]) + piece


def of_jpeg(image: bytes) -> list[bytes]:
    """RFC 2435, 3.1: size and quantization tables travel once, Huffman tables never: the image has the usual ones."""
    size, tables, scan, kind = _parts(image)
    width_px, height_px = size
    payloads = []
    for at in range(0, max(1, len(scan)), _LONGEST):
        head = struct.pack(">B3sBBBB", 0, at.to_bytes(3, "big"), kind, 255, width_px // 8, height_px // 8)
        tables_head = struct.pack(">BBH", 0, 0, len(tables)) + tables if at == 0 else b""
        payloads.append(head + tables_head + scan[at : at + _LONGEST])
    return payloads


def _parts(image: bytes) -> tuple[tuple[int, int], bytes, bytes, int]:
    """(width, height), quantization tables, scan, RTP/JPEG type of a baseline JPEG."""
    size, tables, kind, at = (0, 0), b"", _420, 2
    while True:
        marker, length = struct.unpack_from(">xBH", image, at)
        body = image[at + 4 : at + 2 + length]
        if marker == 0xDB:
            tables += b"".join(body[one + 1 : one + 65] for one in range(0, len(body), 65))
        elif marker == 0xC0:
            height_px, width_px = struct.unpack_from(">HH", body, 1)
            size, kind = (width_px, height_px), _420 if body[7] == 0x22 else _422
        at += 2 + length
        if marker == 0xDA:
            return size, tables, image[at:].removesuffix(b"\xff\xd9"), kind


def _timestamp(media_s: float) -> int:
    return round(media_s * CLOCK_HZ) % (1 << 32)
