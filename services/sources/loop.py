"""Rounds: the same files again and again, as a camera that goes on.

Promises: the first round is what one publishing gives, ids included; of each later round, ids and indices are its own, so its
frames are new frames. All of it is the same again when it is published again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.sources.files import Source, in_turns
from services.sources.picture import Picture, Unreadable


def in_rounds(sources: Sequence[Source], rounds: int) -> Iterator[Picture | Unreadable]:
    lengths: dict[str, int] = {}
    for number in range(rounds):
        for picture in in_turns(sources):
            if isinstance(picture, Unreadable):
                yield picture
                continue
            if number == 0:
                lengths[picture.source_id] = picture.frame_index + 1
            yield _in_round(picture, number, lengths[picture.source_id])


def _in_round(picture: Picture, number: int, length: int) -> Picture:
    if number == 0:
        return picture
    return replace(
        picture,
        frame_index=picture.frame_index + number * length,
        producer_frame_id=f"{picture.producer_frame_id}@{number + 1}",
        captured_at=None,  # nobody captured it again
    )
