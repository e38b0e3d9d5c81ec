"""Tracker: follows what one model shows of one source, frame by frame, and says what happened in each (SCIENCE C).

Promises: bounded; the same events for the same predictions. Looks only at what the product shows: boxes at or above their
threshold. Of a classifier it follows the most probable class.
"""

from collections.abc import Sequence
from operator import attrgetter

from services.sampler.recent.matching import matched
from services.sampler.recent.past import Blip, Flip, Jump, Lost, Past
from services.sampler.recent.track import Track
from shared.streams.predictions import Detection, Prediction

MIN_HITS = 3
"""Hits after which a track is believed."""
MEMORY_FRAMES = 5
"""Frames without a hit after which a track is forgotten."""
LEAST_JUMP = 0.1
"""Smaller changes of confidence happen in every frame, and are not told."""
WARM_FRAMES = 8
"""Frames of a source before its events are believed."""
MOST_TRACKS = 256
"""Per source; what appears beyond is counted, not followed."""
COLD = Past()
_confidence = attrgetter("confidence")


class Tracker:
    """The recent past of one model's view of one source."""

    __slots__ = ("_begun", "_counts", "_frame", "_top", "_tracks")

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._counts: tuple[int, ...] = ()
        self._top: tuple[str, float] | None = None
        self._begun = self._frame = 0

    def meet(self, prediction: Prediction) -> Past:
        """What happened in the source's next frame; nothing until the source is warm."""
        self._frame += 1
        past = self._classified(prediction) if prediction.task == "classify" else self._detected(prediction)
        return past if self._frame > WARM_FRAMES else COLD

    def _detected(self, prediction: Prediction) -> Past:
        shown, frame = _shown(prediction), self._frame
        changes: _Changes | None = None
        began: list[Detection] = []
        for seen, track in zip(shown, matched(shown, self._tracks), strict=True):
            if track is None:
                began.append(seen)
                continue
            if (
                track.class_name != seen.class_name
                or track.frame != frame - 1
                or not -LEAST_JUMP < seen.confidence - track.confidence < LEAST_JUMP
            ):
                changes = changes or _Changes()
                changes.between(track, frame, seen)
            track.hit(frame, seen)
        all_hit = len(shown) - len(began) == len(self._tracks)
        lost, blips = ((), ()) if all_hit else self._missed(prediction)
        if began:
            self._follow(began, prediction)
        counts = self._counts
        self._counts = (*counts[-2:], len(shown))
        flips, jumps, returned = changes.told() if changes else ((), (), ())
        return Past(True, len(shown), counts, lost, blips, flips, jumps, returned)

    def _missed(self, prediction: Prediction) -> tuple[tuple[Lost, ...], tuple[Blip, ...]]:
        """Events of the tracks that this frame does not show; forgets those that were missed too often."""
        lost: list[Lost] = []
        blips: list[Blip] = []
        self._tracks = [track for track in self._tracks if self._frame - track.frame <= MEMORY_FRAMES]
        for track in self._tracks:
            missed = self._frame - track.frame
            if missed and track.inside(prediction.width_px, prediction.height_px):
                if track.hits >= MIN_HITS:
                    lost.append(Lost(track.class_name, track.confidence, track.hits, missed))
                elif missed == 1 and track.began_inside:
                    blips.append(Blip(track.class_name, track.confidence))
        return tuple(lost), tuple(blips)

    def _follow(self, began: Sequence[Detection], prediction: Prediction) -> None:
        for seen in began[: MOST_TRACKS - len(self._tracks)]:
            self._begun += 1
            self._tracks.append(Track(self._begun, self._frame, seen, prediction.width_px, prediction.height_px))

    def _classified(self, prediction: Prediction) -> Past:
        """A classifier's source is one track: its most probable class."""
        best = max(prediction.classes, key=_confidence, default=None)
        before, self._top = self._top, None if best is None else (best.class_name, best.confidence)
        if best is None or before is None:
            return Past(True)
        class_name, confidence = before
        if class_name != best.class_name:
            return Past(True, flips=(Flip(class_name, best.class_name, best.confidence),))
        delta = abs(best.confidence - confidence)
        return Past(True, jumps=(Jump(class_name, delta),)) if delta >= LEAST_JUMP else Past(True)


class _Changes:
    """What changed in the tracks of one frame between their last hit and this one."""

    __slots__ = ("flips", "jumps", "returned")

    def __init__(self) -> None:
        self.flips: tuple[Flip, ...] = ()
        self.jumps: tuple[Jump, ...] = ()
        self.returned: tuple[int, ...] = ()

    def between(self, track: Track, frame: int, seen: Detection) -> None:
        missed = frame - track.frame - 1
        delta = abs(seen.confidence - track.confidence)
        if track.class_name != seen.class_name:
            self.flips += (Flip(track.class_name, seen.class_name, seen.confidence),)
        elif not missed and delta >= LEAST_JUMP:
            self.jumps += (Jump(seen.class_name, delta),)
        if missed and track.hits >= MIN_HITS:
            self.returned += (missed,)

    def told(self) -> tuple[tuple[Flip, ...], tuple[Jump, ...], tuple[int, ...]]:
        return self.flips, self.jumps, self.returned


def _shown(prediction: Prediction) -> list[Detection]:
    """`prediction.above_threshold()`, with the threshold looked up once."""
    by_class, threshold = prediction.class_thresholds, prediction.threshold
    if by_class:
        return [d for d in prediction.detections if d.confidence >= by_class.get(d.class_name, threshold)]
    return [d for d in prediction.detections if d.confidence >= threshold]
