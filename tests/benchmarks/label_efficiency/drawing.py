"""The curves as a picture. Needs matplotlib.

Promises: one panel per learner; lines are means, bands one standard error to each side.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.label_efficiency.arms import Arm
from tests.benchmarks.label_efficiency.figures import Curves, Row
from tests.benchmarks.label_efficiency.stream import Plan

COLOURS = ("#6b7280", "#a16207", "#dc2626", "#f59e0b", "#0891b2", "#2563eb", "#16a34a")
SIZE_IN, DPI = (11.0, 5.0), 110


def draw(rows: Sequence[Row], arms: Sequence[Arm], plan: Plan, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    learners = list(dict.fromkeys(row.learner for row in rows))
    figure, panels = pyplot.subplots(1, len(learners), figsize=SIZE_IN, sharey=True, squeeze=False)
    for panel, learner in zip(panels[0], learners, strict=True):
        _panel(panel, Curves(rows, learner), learner, arms, plan)
    panels[0][0].set_ylabel("balanced accuracy, %")
    panels[0][-1].legend(loc="lower right", frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI)
    pyplot.close(figure)


def _panel(panel: Any, curves: Curves, learner: str, arms: Sequence[Arm], plan: Plan) -> None:
    for arm, colour in zip(arms, COLOURS, strict=False):
        if arm.name in curves.arms:
            _curve(panel, curves, arm, colour, plan)
    panel.axvline((plan.initial_labels + plan.labels) / 2, color="#9ca3af", linewidth=0.8, linestyle=":")
    panel.set_title(f"{learner}, {len(curves.seeds)} seeds (dotted: the camera changes)", fontsize=10)
    panel.set_xlabel("labels")
    panel.grid(alpha=0.2)
    panel.spines[["top", "right"]].set_visible(False)


def _curve(panel: Any, curves: Curves, arm: Arm, colour: str, plan: Plan) -> None:
    labels = np.arange(plan.initial_labels, plan.labels + 1, 10)
    means = [curves.mean_at(arm.name, int(n)) for n in labels]
    middle = np.array([100 * one.mean for one in means])
    error = np.array([100 * one.error for one in means])
    panel.plot(labels, middle, color=colour, label=arm.title, linewidth=1.6)
    panel.fill_between(labels, middle - error, middle + error, color=colour, alpha=0.15, linewidth=0)
