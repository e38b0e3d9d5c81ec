"""Images: encoded bytes in, BGR pixels out, and back. JPEG, PNG and WebP, by content and never by name.

Promises: whatever the bytes, `decode` and `dimensions` give an answer or raise InvalidImage with the reason, and nothing
else. The header is read before any pixel: a bomb, a truncated or an unknown file is refused while it is still cheap.
EXIF orientation is applied, alpha dropped, grey and CMYK become BGR, 16 bits become 8.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidImage

Image = NDArray[np.uint8]
"""HxWx3, BGR."""

MAX_PIXELS = 50_000_000
JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_SCAN, _APP1 = 0xDA, 0xE1
_ORIENTATION_TAG = 0x0112
_TURNED_BY_90 = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class _Header:
    """What a file says of itself: the size as stored, and the EXIF orientation (1: upright)."""

    width_px: int
    height_px: int
    orientation: int = 1


def sniff(data: bytes) -> str | None:
    """The content type by the first bytes, None for anything but JPEG, PNG and WebP."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    return None


def dimensions(data: bytes) -> tuple[int, int]:
    """(width_px, height_px) as displayed, after EXIF rotation, without decoding pixels. Raises InvalidImage."""
    header = _header(data)
    if header.orientation in _TURNED_BY_90:
        return header.height_px, header.width_px
    return header.width_px, header.height_px


def decode(data: bytes) -> Image:
    """BGR pixels, HxWx3, upright. Raises InvalidImage: empty, unknown format, truncated, corrupt, too many pixels."""
    header = _header(data)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise InvalidImage(f"corrupt {sniff(data)}: {error.err}") from error
    if image is None:
        raise InvalidImage(f"corrupt {sniff(data)} of {len(data):,} bytes: its header is whole, its pixels are not")
    if sorted(image.shape[:2]) != sorted((header.width_px, header.height_px)):
        raise InvalidImage(
            f"the header says {header.width_px}x{header.height_px}, the pixels {image.shape[1]}x{image.shape[0]}"
        )
    return np.asarray(image, np.uint8)


def preview(image: Image, longest_px: int = 640, quality: int = 80) -> bytes:
    """A JPEG whose longer side is at most `longest_px`; smaller images keep their size."""
    height_px, width_px = image.shape[:2]
    scale = longest_px / max(height_px, width_px)
    if scale >= 1:
        return encode_jpeg(image, quality)
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    return encode_jpeg(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), quality)


def encode_jpeg(image: Image, quality: int = 90) -> bytes:
    """JPEG bytes of a BGR image. Raises InvalidImage where JPEG cannot hold it (a side past 65,500 pixels)."""
    try:
        ok, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise InvalidImage(f"cannot write a {image.shape} array as JPEG: {error.err}") from error
    if not ok:
        raise InvalidImage(f"cannot write a {image.shape} array as JPEG: no side may have more than 65,500 pixels")
    return encoded.tobytes()


def _header(data: bytes) -> _Header:
    if not data:
        raise InvalidImage("empty: expected the bytes of an encoded image")
    content_type = sniff(data)
    if content_type is None:
        raise InvalidImage(f"unknown format: expected JPEG, PNG or WebP, got bytes that begin with {data[:8].hex(' ')}")
    try:
        header = {JPEG: _jpeg_header, PNG: _png_header, WEBP: _webp_header}[content_type](data)
    except (struct.error, IndexError) as error:
        raise InvalidImage(f"truncated {content_type}: the {len(data):,} bytes end inside its header") from error
    return _sane(header, content_type)


def _sane(header: _Header, content_type: str) -> _Header:
    pixels = header.width_px * header.height_px
    what = f"{content_type} of {header.width_px}x{header.height_px} pixels"
    if pixels == 0:
        raise InvalidImage(f"{what} has nothing to see")
    if pixels > MAX_PIXELS:
        raise InvalidImage(f"{what} is too large: at most {MAX_PIXELS:,} pixels are decoded")
    return header


def _jpeg_header(data: bytes) -> _Header:
    size, orientation, at = None, 1, 2
    for marker, at, length in _jpeg_segments(data):
        if marker in _START_OF_FRAME and size is None:
            size = struct.unpack_from(">HH", data, at + 1)
        elif marker == _APP1 and data[at : at + 6] == b"Exif\0\0":
            orientation = _orientation(data[at + 6 : at + length])
    if size is None:
        raise InvalidImage(f"corrupt {JPEG}: pixels begin before any header says their size")
    # Decoders may return a half-grey picture when the end is missing. A scan stuffs 0xFF, so this is the true end.
    if data.rfind(b"\xff\xd9", at) < 0:
        raise InvalidImage(f"truncated {JPEG}: {len(data):,} bytes without an end-of-image marker")
    return _Header(width_px=size[1], height_px=size[0], orientation=orientation)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, offset of its content, length of it) up to the first scan, which comes last."""
    at = 2
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise InvalidImage(f"truncated {JPEG}: {len(data):,} bytes and no pixels among them")
        marker = data[at + 1]
        if marker in (0x00, 0xFF) or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        length: int = struct.unpack_from(">H", data, at + 2)[0]
        yield marker, at + 4, length - 2
        if marker == _START_OF_SCAN:
            return
        at += 2 + max(2, length)


def _png_header(data: bytes) -> _Header:
    if data[12:16] != b"IHDR":
        raise InvalidImage(f"corrupt {PNG}: expected the chunk IHDR first, got {data[12:16]!r}")
    width_px, height_px = struct.unpack_from(">II", data, 16)
    orientation, at, kind = 1, 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if at > len(data):
            raise InvalidImage(f"truncated {PNG}: {len(data):,} bytes end inside the chunk {kind!r}")
        if kind == b"eXIf":
            orientation = _orientation(data[at - 4 - length : at - 4])
    return _Header(width_px, height_px, orientation)


def _webp_header(data: bytes) -> _Header:
    size = struct.unpack_from("<I", data, 4)[0] + 8
    if size > len(data):
        raise InvalidImage(f"truncated {WEBP}: its header says {size:,} bytes, there are {len(data):,}")
    width_px, height_px = _webp_size(data)
    return _Header(width_px, height_px, _webp_orientation(data, size))


def _webp_size(data: bytes) -> tuple[int, int]:
    """The three kinds of WebP: lossy, lossless, extended (RFC 9649, sections 2.5 to 2.7)."""
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise InvalidImage(f"corrupt {WEBP}: expected a chunk VP8, VP8L or VP8X first, got {kind!r}")


def _webp_orientation(data: bytes, size: int) -> int:
    at = 12
    while data[12:16] == b"VP8X" and at + 8 <= size:
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            return _orientation(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return 1


def _orientation(exif: bytes) -> int:
    """The orientation tag of an EXIF block (a TIFF), 1 where there is none or the block makes no sense."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        first = struct.unpack_from(f"{order}I", exif, 4)[0]
        entries = struct.unpack_from(f"{order}H", exif, first)[0]
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, first + 2 + 12 * entry)
            if tag == _ORIENTATION_TAG:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
