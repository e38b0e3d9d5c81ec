"""One seed of the experiment: its stream in a log, its test, and every arm with every learner on them.

Promises: the same rows for the same digits, plan, arms, learners and seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.label_efficiency import learning, pictures
from tests.benchmarks.label_efficiency.arms import Arm
from tests.benchmarks.label_efficiency.digits import STREAMED, Digits, halves
from tests.benchmarks.label_efficiency.figures import Row
from tests.benchmarks.label_efficiency.learners import Learner
from tests.benchmarks.label_efficiency.stream import Plan, stream
from tests.benchmarks.label_efficiency.world import world


def rows(
    digits: Digits, plan: Plan, arms: Sequence[Arm], learners: Mapping[str, Learner], seed: int, folder: Path
) -> Iterator[Row]:
    rng = np.random.default_rng(seed)
    streamed, held_out = halves(digits, min(STREAMED, len(digits.labels) // 2 + 1), rng)
    shown = stream(streamed, plan, rng)
    test = learning.Test(*pictures.under_both(held_out, rng))
    with world(shown, folder) as here:
        for name, learner in learners.items():
            for arm in arms:
                for point in learning.run(shown, test, here, arm, learner, seed):
                    yield Row(name, arm.name, seed, point.round, point.labels, point.clips, point.balanced_accuracy)
