"""The figures as Markdown: for the terminal, and for `docs/label-efficiency.md`.

Promises: what the page shows is what the command prints, and both come from the CSV.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.label_efficiency.arms import RANDOM, Arm
from tests.benchmarks.label_efficiency.figures import Curves, Mean, Row
from tests.benchmarks.label_efficiency.stream import Plan

SHOWN_AT = (70, 110, 150, 230, 310)
"""Labels, before the plan's last number."""
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
CAVEATS = """\
* In video most of the gain is the near-duplicate gate: compare *dedup* alone with *dedup + margin*. Without it, uncertainty
  spends several labels on each clip, and may lose to random (in the design's prototype it did, here it does not).
* Every N-th frame is a strong baseline in video because it spreads in time. Here its stride exceeds the length of a clip,
  which flatters it.
* Uncertainty loses with unreadable frames, label noise and a cold start (few labels, a new camera): hence the quality gate and
  the floor. Neither unreadable frames nor label noise are in this stream.
* The floor is the price of honest figures of production accuracy, and of what the model never saw. It is paid in labels: 5 % of
  them in the prototype, here nothing that chance would not give.
* Small pictures, shallow models, one task, one stream that was made for this: it shows the mechanism, not the size of the gain
  to expect of a detector."""


def figures(rows: Sequence[Row], arms: Sequence[Arm], plan: Plan) -> str:
    """A table for each learner."""
    learners = dict.fromkeys(row.learner for row in rows)
    return "\n\n".join(_of_learner(Curves(rows, learner), learner, arms, plan) for learner in learners)


def put_into(page: Path, text: str) -> None:
    """Between the page's two marks. Raises ValueError: it has none."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no {BEGIN} and {END}: the figures go between them")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _of_learner(curves: Curves, learner: str, arms: Sequence[Arm], plan: Plan) -> str:
    shown = [labels for labels in SHOWN_AT if plan.initial_labels < labels < plan.labels] + [plan.labels]
    heads = [f"{labels} labels" for labels in shown]
    columns = [learner, *heads, "difference to random", "labels to reach random", "labels spent", "clips per label"]
    lines = [columns, ["---"] * len(columns)]
    lines += [_line(curves, arm, shown, plan) for arm in arms if arm.name in curves.arms]
    title = f"Balanced accuracy in %, mean ± standard error over {len(curves.seeds)} seeds ({learner}):"
    return "\n".join([title, "", *("| " + " | ".join(line) + " |" for line in lines)])


def _line(curves: Curves, arm: Arm, shown: Sequence[int], plan: Plan) -> list[str]:
    goal = curves.mean_at(RANDOM, plan.labels).mean
    needed = curves.labels_to_reach(arm.name, goal, plan.labels)
    return [
        arm.title,
        *(_percent(curves.mean_at(arm.name, labels)) for labels in shown),
        "" if arm.name == RANDOM else _percent(curves.difference(arm.name, RANDOM, plan.labels), "+"),
        _needed(needed, plan),
        _spent(curves.spent(arm.name, plan.rounds)),
        f"{curves.clips_a_label(arm.name, plan.rounds):.2f}",
    ]


def _percent(value: Mean, sign: str = "") -> str:
    return "not reached" if math.isnan(value.mean) else f"{100 * value.mean:{sign}.1f} ± {100 * value.error:.1f}"


def _needed(labels: int | None, plan: Plan) -> str:
    return "never" if labels is None else f"{labels} ({100 * (labels / plan.labels - 1):+.0f} %)"


def _spent(labels: Mean) -> str:
    return f"{labels.mean:.0f} ± {labels.error:.0f}"
