"""JPEGs as cameras send them: without the tables that every decoder of Motion JPEG knows by heart.

Promises: a JPEG that is whole comes back as it is, byte for byte. One without Huffman tables gets the standard ones
(ITU-T T.81, annex K.3): USB cameras leave them out.
"""

from shared.errors import InvalidImage

_DHT, _START_OF_SCAN = 0xC4, 0xDA


def whole(data: bytes) -> bytes:
    """Raises InvalidImage for bytes that are no JPEG up to its first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _DHT:
            return data
        if marker == _START_OF_SCAN:
            return data[:at] + _TABLES + data[at:]
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise InvalidImage(
        f"expected a JPEG, got {len(data):,} bytes without a picture that begin with {data[:8].hex(' ')}"
    )


def _table(number: int, lengths: str, values: bytes) -> bytes:
    body = bytes([number]) + bytes.fromhex(lengths) + values
    return b"\xff\xc4" + (len(body) + 2).to_bytes(2, "big") + body


_AC_BRIGHTNESS = bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a"
    "434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9"
    "aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
_AC_COLOUR = bytes.fromhex(
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a"
    "434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8"
    "a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)
_TABLES = b"".join(
    (
        _table(0x00, "00010501010101010100000000000000", bytes(range(12))),
        _table(0x01, "00030101010101010101010000000000", bytes(range(12))),
        _table(0x10, "0002010303020403050504040000017d", _AC_BRIGHTNESS),
        _table(0x11, "00020102040403040705040400010277", _AC_COLOUR),
    )
)
