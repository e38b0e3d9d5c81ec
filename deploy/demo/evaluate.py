"""How good is the detector? Precision and recall on held-out doorsteps, for packs it knows and packs it does not.

Run: python -m deploy.demo.evaluate. Needs onnxruntime and OpenCV, no torch; the pictures are drawn anew from a seed.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from deploy.demo.brushes import Image
from deploy.demo.detector import MODEL_PATH, Found, PackageDetector, overlap
from deploy.demo.doorstep import Truth, jpeg
from deploy.demo.scenes import Mix, doorsteps

HELD_OUT_SEED = 20_261_122
HELD_OUT_MIX = Mix(
    yellow=(0.5, 0.4, 0.1),
    others=(
        ("crate", 0.3), ("pot", 0.4), ("leaves", 0.4), ("person", 0.3), ("cat", 0.25), ("shoes", 0.3),
        ("planter", 0.25),
    ),
)  # fmt: skip
SURE, WEAK = 0.5, 0.05
LEAST_VISIBLE, SAME_IOU = 0.4, 0.5


@dataclass
class Tally:
    """Best confidence for each visible object, by kind; and what the sure detections of a package lay on."""

    confidences: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    hits: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, found: list[Found], truths: list[Truth]) -> None:
        for truth in truths:
            if truth.visible >= LEAST_VISIBLE:
                wanted = "person" if truth.kind == "person" else "package"
                self.confidences[truth.kind].append(best_confidence(found, truth, wanted))
        for one in found:
            if one.class_name == "package" and one.confidence >= SURE:
                self.hits[_under(one, truths)] += 1

    def share(self, kind: str, low: float, high: float = 1.01) -> float:
        scores = np.array(self.confidences[kind])
        return float(np.mean((scores >= low) & (scores < high))) if len(scores) else float("nan")


def best_confidence(found: Iterable[Found], truth: Truth, class_name: str) -> float:
    """The best detection of that class on the object; 0 when there is none."""
    on_it = (one for one in found if one.class_name == class_name and overlap(one.xyxy, truth.xyxy) >= SAME_IOU)
    return max((one.confidence for one in on_it), default=0.0)


def _under(one: Found, truths: list[Truth]) -> str:
    """What a detection lies on: the kind of the object that overlaps most, or `nothing` (also a box that fits none)."""
    best = max(truths, key=lambda truth: overlap(one.xyxy, truth.xyxy), default=None)
    return best.kind if best is not None and overlap(one.xyxy, best.xyxy) >= SAME_IOU else "nothing"


def measure(detector: PackageDetector, pictures: Iterable[tuple[Image, list[Truth]]]) -> Tally:
    tally = Tally()
    for picture, truths in pictures:
        seen = cv2.imdecode(np.frombuffer(jpeg(picture), np.uint8), cv2.IMREAD_COLOR)
        tally.add(detector.detect(np.asarray(seen, np.uint8), at_least=WEAK), truths)
    return tally


def report(tally: Tally) -> str:
    lines = ["| object | count | found (>= 0.5) | weak (0.05 to 0.5) | nothing |", "| --- | --- | --- | --- | --- |"]
    for kind in sorted(tally.confidences):
        sure, weak = tally.share(kind, SURE), tally.share(kind, WEAK, SURE)
        lines.append(
            f"| {kind} | {len(tally.confidences[kind])} | {sure:.3f} | {weak:.3f} | {tally.share(kind, 0.0, WEAK):.3f} |"
        )
    total = sum(tally.hits.values())
    parcels = tally.hits["brown"] + tally.hits["yellow"]
    lines += ["", f"precision of `package` at 0.5: {parcels / max(total, 1):.3f} of {total} detections lie on a parcel"]
    lines += ["; ".join(f"{kind}: {count}" for kind, count in sorted(tally.hits.items()))]
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", type=Path, default=MODEL_PATH)
    options.add_argument("--scenes", type=int, default=600)
    options.add_argument("--seed", type=int, default=HELD_OUT_SEED)
    chosen = options.parse_args()
    print(report(measure(PackageDetector(chosen.model), doorsteps(chosen.scenes, chosen.seed, HELD_OUT_MIX))))


if __name__ == "__main__":
    main()
