"""Where a live stream goes on after a break: what `id:` says, and what a client sends back as `Last-Event-ID`.

Promises: of one partition it is the prediction's id and nothing else; of several, the other partitions' next offsets stand
behind it (`0-4711-1f0a9c3e;1:88,2:914`), so that none of them has a gap.
"""

from collections.abc import Mapping

from services.feedback.refusals import InvalidRequest
from shared.streams import ids

MAX_CHARS = 16_384
"""A thousand partitions."""


def event_suffix(partition: int, positions: Mapping[int, int]) -> str:
    """What stands behind the id of a prediction of this partition. `positions`: the next offset of each partition."""
    others = ",".join(f"{other}:{offset}" for other, offset in sorted(positions.items()) if other != partition)
    return f";{others}" if others else ""


def positions_after(last_event_id: str) -> dict[int, int]:
    """The next offset of each partition that it speaks of. Raises InvalidRequest."""
    prediction_id, _, others = last_event_id.partition(";")
    try:
        partition, offset, _ = ids.parse_prediction_id(prediction_id)
        positions = dict(map(_position, others.split(","))) if others else {}
    except ValueError as error:
        raise InvalidRequest("expected the `id` of an event of this stream", "Last-Event-ID") from error
    return {**positions, partition: offset + 1}


def _position(text: str) -> tuple[int, int]:
    partition, _, offset = text.partition(":")
    for number in (partition, offset):
        if not (number.isascii() and number.isdigit() and len(number) <= 18):
            raise ValueError(f"expected PARTITION:OFFSET, got {text[:40]!r}")
    return int(partition), int(offset)
