"""A tracker as one would write it from SCIENCE C without a thought for speed: every pair, every frame, from the start."""

from dataclasses import dataclass

from services.sampler.recent.past import Blip, Flip, Jump, Lost, Past
from shared.streams.predictions import Detection, Prediction


@dataclass(eq=False)
class Followed:
    hits: list[Detection]
    frames: list[int]
    began_inside: bool


class NaiveTracker:
    def __init__(self) -> None:
        self.frame = 0
        self.tracks: list[Followed] = []
        self.counts: list[int] = []

    def meet(self, prediction: Prediction) -> Past:
        self.frame += 1
        shown = prediction.above_threshold()
        self.tracks = [track for track in self.tracks if self.frame - track.frames[-1] <= 6]
        pairs = self._by_tracker_id(shown)
        self._by_overlap(shown, pairs)
        flips, jumps, returned = [], [], []
        for which in sorted(pairs):
            seen, track = shown[which], self.tracks[pairs[which]]
            last, missed = track.hits[-1], self.frame - track.frames[-1] - 1
            delta = abs(seen.confidence - last.confidence)
            if seen.class_name != last.class_name:
                flips.append(Flip(last.class_name, seen.class_name, seen.confidence))
            if seen.class_name == last.class_name and missed == 0 and delta >= 0.1:
                jumps.append(Jump(seen.class_name, delta))
            if missed > 0 and len(track.hits) >= 3:
                returned.append(missed)
        for which, number in pairs.items():
            self.tracks[number].hits.append(shown[which])
            self.tracks[number].frames.append(self.frame)
        lost, blips = self._missed(prediction)
        for which, seen in enumerate(shown):
            if which not in pairs:
                self.tracks.append(Followed([seen], [self.frame], inside(seen, prediction)))
        past = Past(
            self.frame > 8,
            len(shown),
            tuple(self.counts[-3:]),
            lost,
            blips,
            tuple(flips),
            tuple(jumps),
            tuple(returned),
        )
        self.counts.append(len(shown))
        return past if past.warm else Past()

    def _by_tracker_id(self, shown: tuple[Detection, ...]) -> dict[int, int]:
        pairs: dict[int, int] = {}
        for which, seen in enumerate(shown):
            mine = [
                number
                for number, track in enumerate(self.tracks)
                if seen.tracker_id is not None and track.hits[-1].tracker_id == seen.tracker_id
            ]
            if mine and mine[-1] not in pairs.values():
                pairs[which] = mine[-1]
        return pairs

    def _by_overlap(self, shown: tuple[Detection, ...], pairs: dict[int, int]) -> None:
        """Always the best pair that is left: same class, then overlap, then the earlier detection, then the older track."""
        while True:
            left = [
                (seen.class_name != track.hits[-1].class_name, -iou(seen.box, track.hits[-1].box), which, number)
                for which, seen in enumerate(shown)
                for number, track in enumerate(self.tracks)
                if which not in pairs and number not in pairs.values() and iou(seen.box, track.hits[-1].box) >= 0.3
            ]
            if not left:
                return
            _, _, which, number = min(left)
            pairs[which] = number

    def _missed(self, prediction: Prediction) -> tuple[tuple[Lost, ...], tuple[Blip, ...]]:
        gone = [(track, self.frame - track.frames[-1]) for track in self.tracks]
        away = [
            (track, missed, track.hits[-1])
            for track, missed in gone
            if 1 <= missed <= 5 and inside(track.hits[-1], prediction)
        ]
        lost = [Lost(x.class_name, x.confidence, len(t.hits), missed) for t, missed, x in away if len(t.hits) >= 3]
        blips = [
            Blip(x.class_name, x.confidence)
            for t, missed, x in away
            if len(t.hits) <= 2 and missed == 1 and t.began_inside
        ]
        return tuple(lost), tuple(blips)


def inside(seen: Detection, prediction: Prediction) -> bool:
    left, top, right, bottom = seen.box
    width, height = prediction.width_px, prediction.height_px
    near = min(left / width, top / height, (width - right) / width, (height - bottom) / height)
    return near >= 0.08


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    both = wide * high
    either = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both
    return both / either if either > 0 else 0.0
