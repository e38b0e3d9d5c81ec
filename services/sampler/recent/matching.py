"""Which detection continues which track: the producer's own tracker first, then greedily by overlap. Pure.

Promises: pairs of one class before pairs of two, larger overlap first, then the earlier detection, then the older track. In a
crowd the cost grows with the boxes that lie near each other, not with all pairs.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import attrgetter

from services.sampler.recent.track import Track
from shared.streams.predictions import Detection

LEAST_IOU = 0.3
CROWD = 16
"""From so many tracks on it pays to look only at those that are near."""
_BEFORE, _AFTER = 2.34, 0.71
"""Two boxes can reach LEAST_IOU only where the track's left edge lies at most so many widths of the detection before its own
((1 - 0.3) / 0.3) or after it (1 - 0.3)."""
_left = attrgetter("left")

Near = Callable[[float, float], Sequence[Track]]
"""The tracks whose left edge lies between two numbers."""
Pair = tuple[bool, float, int, int, Track]
"""(classes differ, -IoU, which detection, number of the track, the track): ascending order is the order of preference."""


def matched(shown: Sequence[Detection], tracks: Sequence[Track]) -> Sequence[Track | None]:
    """For each detection the track that it continues."""
    found: list[Track | None] = [None] * len(shown)
    pairs = _overlapping(shown, tracks, found) if tracks else []
    return found if pairs is None else _preferred(shown, tracks, pairs)


def _near(tracks: Sequence[Track]) -> Near:
    ordered = sorted(tracks, key=_left)
    lefts = [track.left for track in ordered]
    return lambda least, most: ordered[bisect_left(lefts, least) : bisect_left(lefts, most)]


def _overlapping(shown: Sequence[Detection], tracks: Sequence[Track], found: list[Track | None]) -> "list[Pair] | None":
    """Every pair that overlaps enough. None where that is all there is to decide, as in most frames: no detection could
    continue two tracks, no track two detections, and no tracker of the producer's has a say. Then `found` holds the answer.

    The loop that every frame pays for: the overlap is written out, since a call costs more than its arithmetic.
    """
    near = None if len(tracks) < CROWD else _near(tracks)
    pairs: list[tuple[int, Track, float]] = []
    taken: set[Track] = set()
    contested = False
    for which, detection in enumerate(shown):
        left, top, right, bottom = detection.box
        width = right - left
        for track in tracks if near is None else near(left - _BEFORE * width, left + _AFTER * width):
            if track.right > left and track.left < right and track.top < bottom and track.bottom > top:
                both = (
                    (right if right < track.right else track.right) - (left if left > track.left else track.left)
                ) * ((bottom if bottom < track.bottom else track.bottom) - (top if top > track.top else track.top))
                either = width * (bottom - top) + track.area - both
                if both >= LEAST_IOU * either > 0:
                    if found[which] is not None:
                        contested = True
                    found[which] = track
                    taken.add(track)
                    pairs.append((which, track, both / either))
        if detection.tracker_id is not None:
            contested = True
    if not contested and len(taken) == len(pairs):
        return None
    return [
        (shown[which].class_name != track.class_name, -iou, which, track.number, track) for which, track, iou in pairs
    ]


def _preferred(shown: Sequence[Detection], tracks: Sequence[Track], pairs: list[Pair]) -> Sequence[Track | None]:
    """The producer's tracker decides; of what is left, the best pair first."""
    found = _by_tracker_id(shown, tracks)
    taken = {track for track in found if track is not None}
    for _, _, which, _, track in sorted(pairs):
        if found[which] is None and track not in taken:
            found[which] = track
            taken.add(track)
    return found


def _by_tracker_id(shown: Sequence[Detection], tracks: Sequence[Track]) -> list[Track | None]:
    """By the ids that the producer's tracker gave; of two detections with one id the first has it."""
    known = {track.tracker_id: track for track in tracks if track.tracker_id is not None}
    return [None if one.tracker_id is None else known.pop(one.tracker_id, None) for one in shown]
