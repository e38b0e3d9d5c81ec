"""Near-duplicates: what a drawn frame looks like in 8 bytes, what its model saw in 4, and how near is too near. Pure.

Promises: the same hash and signature for the same bytes and prediction, in every process. A frame is a near-duplicate when its
hash is close *and* its signature equals: a hash of the whole image alone hides a small new object (SCIENCE D.1).
"""

import struct
from collections import Counter

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shared.ports.state import Near
from shared.settings import Config
from shared.streams import ids, keys
from shared.streams.predictions import Prediction

SIDE_PX, LOW_FREQUENCIES = 32, 8
SIGNATURE_BYTES = 4
_DIGITS = 6
"""Of a coefficient, behind the point: the noise of rounding in a flat image is no pattern."""

Gray = NDArray[np.uint8]
"""HxW."""


class NearDuplicates(Config):
    """Which drawn frames are too much like one kept lately from the same source. The floor's are kept all the same."""

    enabled: bool = True
    most_bits: int = Field(
        default=8,
        ge=0,
        le=32,
        multiple_of=2,
        description="bits of 64 in which two images may differ; distances are even",
    )
    size: int = Field(default=64, ge=1, le=1024, description="kept frames per source that a new one is compared with")
    max_age_s: int = Field(
        default=3600, ge=1, le=7 * 86_400, description="seconds of log time after which the same scene is new again"
    )
    known: bool = Field(default=True, description="compare with the images that `gleaner known add` made known, too")


def phash64(gray: Gray) -> bytes:
    """8 bytes: which of the 64 lowest frequencies are stronger than their median (pHash; SCIENCE D.1). `gray`: HxW."""
    small = cv2.resize(gray, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float64)
    low = np.round(cv2.dct(small)[:LOW_FREQUENCIES, :LOW_FREQUENCIES], _DIGITS)
    return np.packbits(low > np.median(low)).tobytes()


def signature(prediction: Prediction, cells: int = 8) -> bytes:
    """4 bytes of what the product shows: how many boxes of each class in each cell of a grid; a classifier's best class."""
    if prediction.task == "classify":
        seen = [prediction.classes[0].class_name] if prediction.classes else []
    else:
        seen = _boxes_by_cell(prediction, cells)
    return bytes.fromhex(ids.make_id("signature", prediction.task, *seen))[:SIGNATURE_BYTES]


def near(
    options: NearDuplicates,
    collection: str,
    prediction: Prediction,
    image_hash: bytes,
    prediction_signature: bytes,
    *,
    add: bool,
    memo_s: int,
) -> Near:
    """What the store compares a drawn frame with. `add`: an informative strategy drew it, so that it joins when kept."""
    time_s = prediction.frame.time_ms // 1000
    return Near(
        key=keys.ring_key(collection, prediction.source_id),
        entry=image_hash + prediction_signature + struct.pack(">I", time_s),
        most_bits=options.most_bits,
        size=options.size,
        max_age_s=options.max_age_s,
        ttl_s=options.max_age_s + memo_s,  # by the store's clock, so past anything that is decided by log time
        add=add,
        known=keys.known_key(collection) if options.known else None,
    )


def _boxes_by_cell(prediction: Prediction, cells: int) -> list[str]:
    """`class`, `row/column/how many`, ... in an order that does not depend on the model's."""
    width_px, height_px = prediction.width_px, prediction.height_px
    found: Counter[tuple[str, int, int]] = Counter()
    for detection in prediction.above_threshold():
        left, top, right, bottom = detection.box
        row, column = _cell((top + bottom) / 2, height_px, cells), _cell((left + right) / 2, width_px, cells)
        found[detection.class_name, row, column] += 1
    parts = ((name, f"{row}/{column}/{many}") for (name, row, column), many in sorted(found.items()))
    return [part for pair in parts for part in pair]


def _cell(centre_px: float, size_px: int, cells: int) -> int:
    inside_px = min(max(centre_px, 0), size_px)
    return min(cells - 1, int(inside_px * cells / size_px))
