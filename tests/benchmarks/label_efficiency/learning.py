"""One run: an arm chooses, its choice is labelled, the model learns anew, twenty rounds long.

Promises: the same curve for the same stream, arm, learner and seed; arms differ in what they chose alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.label_efficiency.arms import Arm
from tests.benchmarks.label_efficiency.classifier import Classifier
from tests.benchmarks.label_efficiency.learners import Learner
from tests.benchmarks.label_efficiency.stream import Stream
from tests.benchmarks.label_efficiency.world import Chooser, World


@dataclass(frozen=True, slots=True)
class Test:
    """What the model is tested on, as it sees it."""

    seen: NDArray[np.float32]
    truth: NDArray[np.int64]

    def balanced_accuracy(self, classifier: Classifier) -> float:
        """The mean of the classes' accuracies: a rare class counts as a frequent one."""
        right = classifier.says(self.seen) == self.truth
        return float(np.mean([right[self.truth == label].mean() for label in np.unique(self.truth)]))


@dataclass(frozen=True, slots=True)
class Point:
    """After a round: labels so far, distinct clips among the chosen ones, and how good the model is."""

    round: int
    labels: int
    clips: int
    balanced_accuracy: float


def run(stream: Stream, test: Test, world: World, arm: Arm, learner: Learner, seed: int) -> Iterator[Point]:
    """Goes on past the last round, within the extra ones, until there are as many labels as the plan has."""
    plan = stream.plan
    number = {frame.ref.frame_id: i for i, frame in enumerate(world.frames)}
    chosen: list[int] = []
    with world.sampler(arm, seed) as chooser:
        for round_ in range(plan.rounds + plan.extra_rounds + 1):
            classifier = _learnt(stream, chosen, learner, seed)
            labels = plan.initial_labels + len(chosen)
            yield Point(
                round_, labels, len({i // plan.frames_a_clip for i in chosen}), test.balanced_accuracy(classifier)
            )
            enough = round_ >= plan.rounds and labels >= plan.labels
            if enough or round_ == plan.rounds + plan.extra_rounds:
                return
            chosen += [number[frame_id] for frame_id in _choose(stream, world, chooser, classifier, round_)]


def _learnt(stream: Stream, chosen: list[int], learner: Learner, seed: int) -> Classifier:
    seen = np.concatenate([stream.initial_seen, stream.seen[chosen]])
    truth = np.concatenate([stream.initial_truth, stream.truth[chosen]])
    return Classifier(learner(seen, truth, seed))


def _choose(stream: Stream, world: World, chooser: Chooser, classifier: Classifier, round_: int) -> list[str]:
    these = stream.frames(round_)
    frames, seen = world.frames[these.start : these.stop], stream.seen[these.start : these.stop]
    return chooser.choose(list(classifier.predictions(frames, seen)))
