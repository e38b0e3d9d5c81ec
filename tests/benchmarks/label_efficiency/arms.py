"""The arms: ways to spend the same budget, each as the settings of a real sampler.

Promises: what an arm does is in its settings alone; every arm sees the same frames. Budgets are per minute of log time, and a
round is a minute.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.label_efficiency.stream import CLASSES, Plan

RANDOM = "random"
GAMMA = 4
"""Only training matters here (SCIENCE A.5)."""
FLOOR = 0.2
NO_GATES = {"near_duplicates": {"enabled": False}, "quality": {"enabled": False}}
FPS = Plan().frames_a_second
DEDUP = {"near_duplicates": {"enabled": True}}


@dataclass(frozen=True, slots=True)
class Arm:
    """`title`: for people. `settings`: what would stand in `gleaner.yaml`."""

    name: str
    title: str
    settings: Mapping[str, Any]


def arms(plan: Plan) -> tuple[Arm, ...]:
    labels, share = plan.labels_a_round, plan.labels_a_round / plan.frames_a_round
    budget = f"{labels}/minute"
    limit = [{"most": labels, "per": "minute"}]
    block = 2 ** round(math.log2(1 / share))
    anything = {"type": "class_contains", "selected_class_names": [str(label) for label in range(CLASSES)]}
    margin = {"type": "margin", "gamma": GAMMA}
    return (
        _arm(RANDOM, "random", {"type": "random", "fraction": share}),
        _arm("every_nth", f"one of every {block}", {"type": "every_nth", "n": block}),
        _arm("threshold", "threshold + limit", {"type": "below_threshold", "limits": limit}),
        _arm("margin", "margin", {**margin, "budget": budget}),
        _arm("dedup", "dedup alone", {**anything, "budget": budget}, **DEDUP),
        _arm("dedup_margin", "dedup + margin", {**margin, "budget": budget}, **DEDUP),
        _arm(
            "dedup_margin_floor",
            f"dedup + margin + {FLOOR:.0%} floor",
            {"type": "random", "share": FLOOR},
            {**margin, "share": 1 - FLOOR},
            review=budget,
            **DEDUP,
        ),
    )


def _arm(name: str, title: str, *strategies: Mapping[str, Any], **more: Any) -> Arm:
    """Gates are off where an arm does not ask for one; so are global limits."""
    return Arm(
        name,
        title,
        {**NO_GATES, "strategies": list(strategies), "limits": [], "sampler": {"declared_fps": FPS}, **more},
    )
