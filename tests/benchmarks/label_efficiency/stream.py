"""The stream: clips of one digit each, some classes rare; in the middle another camera, and other classes are rare.

Promises: the same stream for the same digits, plan and seed. The truth of a frame is its clip's digit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.label_efficiency.digits import Digits
from tests.benchmarks.label_efficiency.pictures import AFTER, BEFORE, Camera, Grey, any_look, picture, seen

CLASSES = 10
COMMON, RARE = 0.22, 0.02
"""Priors of the most and of the least frequent class, before they are made to sum to 1."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how much of it in a round, and how much may be labelled. 12,000 frames and 400 labels as in SCIENCE E."""

    rounds: int = 20
    extra_rounds: int = 6
    """A sampler that spends less than its budget is followed until it has as many labels as the others."""
    clips_a_round: int = 30
    frames_a_clip: int = 20
    frames_a_second: int = 10
    labels_a_round: int = 20
    initial_labels: int = 30

    @property
    def frames_a_round(self) -> int:
        return self.clips_a_round * self.frames_a_clip

    @property
    def seconds_a_round(self) -> float:
        return self.frames_a_round / self.frames_a_second

    @property
    def labels(self) -> int:
        return self.initial_labels + self.rounds * self.labels_a_round


@dataclass(frozen=True, slots=True)
class Stream:
    """`pictures` (n, 48, 48), `truth` (n,), `seen` (n, 64); and what the first model learns from, before the stream begins."""

    plan: Plan
    pictures: NDArray[np.uint8]
    truth: NDArray[np.int64]
    seen: NDArray[np.float32]
    initial_seen: NDArray[np.float32]
    initial_truth: NDArray[np.int64]

    def frames(self, round_: int) -> range:
        """The numbers of a round's frames."""
        size = self.plan.frames_a_round
        return range(round_ * size, (round_ + 1) * size)


def stream(digits: Digits, plan: Plan, rng: np.random.Generator) -> Stream:
    often = priors(rng)
    rare_first = often[::-1].copy()
    half = plan.rounds * plan.clips_a_round // 2
    clips = (plan.rounds + plan.extra_rounds) * plan.clips_a_round
    shown = [
        _clip(digits, often if i < half else rare_first, BEFORE if i < half else AFTER, plan, rng) for i in range(clips)
    ]
    pictures = np.concatenate([frames for frames, _ in shown])
    truth = np.repeat([label for _, label in shown], plan.frames_a_clip)
    first = [_clip(digits, often, BEFORE, Plan(frames_a_clip=1), rng) for _ in range(plan.initial_labels)]
    initial = np.concatenate([frames for frames, _ in first])
    return Stream(plan, pictures, truth, seen(pictures), seen(initial), np.array([label for _, label in first]))


def priors(rng: np.random.Generator) -> NDArray[np.float64]:
    """How frequent each class is: from 0.22 down to 0.02 in equal steps of a factor, in a random order."""
    shares = np.geomspace(COMMON, RARE, CLASSES)
    return rng.permutation(shares / shares.sum())


def _clip(
    digits: Digits, often: NDArray[np.float64], camera: Camera, plan: Plan, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], int]:
    label = int(rng.choice(CLASSES, p=often))
    digit = digits.images[rng.choice(np.flatnonzero(digits.labels == label))]
    look = any_look(rng)
    frames: list[Grey] = [picture(digit, look, camera, rng) for _ in range(plan.frames_a_clip)]
    return np.stack(frames), label
