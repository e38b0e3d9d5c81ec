"""Ids and draws: everything that must come out the same on every delivery, in every process.

Promises: blake2b-128 in hex over length-prefixed UTF-8 parts that begin with the kind of id. Reference values stand in
`tests/contract/messages/ids.json`; changing one breaks every stored dataset, so none changes.
"""

import hashlib
import math
from collections.abc import Iterable

DIGEST_BYTES = 16
_CHECKSUM_CHARS = 8
PREDICTION_ID_PATTERN = "^(0|[1-9][0-9]{0,8})-(0|[1-9][0-9]{0,17})-[0-9a-f]{8}$"
"""What `prediction_id` makes, for descriptions; `parse_prediction_id` reads it."""


def make_id(kind: str, *parts: str | bytes) -> str:
    """32 hex digits. Length prefixes keep ("ab", "c") and ("a", "bc") apart."""
    return _digest([kind, *parts], key=b"").hexdigest()


def frame_id(
    source_id: str, producer_frame_id: str | None, sha256: str, *, time_ms: int, partition: int, offset: int
) -> str:
    """A retry is the same frame; a name used again for other pixels (a camera that counts from 0 after each boot) is not."""
    own = ("id", producer_frame_id) if producer_frame_id else ("at", f"{time_ms}/{partition}/{offset}")
    return make_id("frame", source_id, *own, sha256)


def prediction_id(partition: int, offset: int, frame: str) -> str:
    """Where the prediction lies, and a checksum by which a wrong record is seen, never mistaken."""
    return f"{partition}-{offset}-{frame_checksum(frame)}"


def frame_checksum(frame: str) -> str:
    return make_id("checksum", frame)[:_CHECKSUM_CHARS]


def parse_prediction_id(text: str) -> tuple[int, int, str]:
    """(partition, offset, checksum). Raises ValueError for anything that `prediction_id` cannot have made."""
    partition, offset, checksum = text.split("-")
    if not (partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
        raise ValueError(f"expected PARTITION-OFFSET-CHECKSUM, got {text!r}")
    if len(checksum) != _CHECKSUM_CHARS or len(partition) > 9 or len(offset) > 18:
        raise ValueError(f"expected PARTITION-OFFSET-CHECKSUM, got {text!r}")
    return int(partition), int(offset), checksum


def sample_id(collection: str, frame: str, model_id: str) -> str:
    """Leaves out the model's version, so that a redelivery after a swap finds its memo."""
    return make_id("sample", collection, frame, model_id)


def verdict_id(caller: str, idempotency_key: str) -> str:
    return make_id("verdict", caller, idempotency_key)


def share_of(frame: str) -> float:
    """Where a frame stands between 0 and 1, for ever and everywhere: 52 bits of a hash. A larger share keeps the smaller's.

    No draw: it is known to whoever names frames, and only says which of them a shadow predicts.
    """
    return int(make_id("shadow", frame)[:13], 16) / 16**13


def draw(salt: bytes, purpose: str, collection: str, strategy: str, *what: str) -> float:
    """A uniform number in [0, 1), fixed by its arguments: 64 bits of a keyed hash (SCIENCE A.2)."""
    word = _digest([purpose, collection, strategy, *what], key=salt).digest()[:8]
    # 53 bits: a double cannot hold 64, and rounding up to 1.0 would make a draw that no probability meets.
    return (int.from_bytes(word, "big") >> 11) * 2.0**-53


class Dice:
    """`draw` for one strategy, with what never changes hashed once: the same numbers in a third of the time."""

    __slots__ = ("_begun",)

    def __init__(self, salt: bytes, purpose: str, collection: str, strategy: str) -> None:
        self._begun = _digest([purpose, collection, strategy], key=salt)

    def __call__(self, *what: str) -> float:
        hasher = self._begun.copy()
        for part in what:
            raw = part.encode("utf-8", "surrogatepass")
            hasher.update(len(raw).to_bytes(8, "big") + raw)
        return (int.from_bytes(hasher.digest()[:8], "big") >> 11) * 2.0**-53


def salt_fingerprint(salt: bytes) -> str:
    """Says which salt made a draw without giving it away."""
    return make_id("salt", hashlib.sha256(salt).digest())[:_CHECKSUM_CHARS]


def union(probabilities: Iterable[float]) -> float:
    """The probability that at least one of several independent draws fires: 1 - prod(1 - p) (SCIENCE B.2)."""
    return 1.0 - math.prod(1.0 - p for p in probabilities)


def _digest(parts: Iterable[str | bytes], key: bytes) -> "hashlib.blake2b":
    hasher = hashlib.blake2b(digest_size=DIGEST_BYTES, key=key[:64])
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(len(raw).to_bytes(8, "big"))
        hasher.update(raw)
    return hasher
