"""The bytes of one JPEG, whole or spoilt."""

import random
import struct

from tests.cameras.faults import Fault
from tests.cameras.picture import jpeg
from tests.cameras.spec import Spec

_START_OF_FRAME = b"\xff\xc0"


def image(spec: Spec, number: int, width_px: int, height_px: int, fault: Fault | None) -> bytes:
    whole = jpeg(spec.scene, spec.name, number, width_px, height_px, spec.quality)
    match fault:
        case Fault.GARBAGE:
            return garbage(number, len(whole))
        case Fault.EMPTY:
            return without_pixels(whole)
        case Fault.TRUNCATED:
            return whole[: len(whole) // 2]
        case _:
            return whole


def garbage(seed: int, length: int) -> bytes:
    return random.Random(seed).randbytes(length)


def without_pixels(image: bytes) -> bytes:
    """The same JPEG, but its header says 0 × 0."""
    at = image.index(_START_OF_FRAME) + 5  # marker, length, precision
    return image[:at] + struct.pack(">HH", 0, 0) + image[at + 4 :]
