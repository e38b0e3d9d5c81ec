"""Draws accuracy.svg, whether the intervals hold the truth, from docs/accuracy.csv: `python -m docs.pictures.accuracy`.

Promises: one dot for each cell of the simulation; the same bytes for the same CSV. Needs matplotlib.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.accuracy import anytime, frames, rows
from tests.benchmarks.accuracy.rows import Row, of

NAME = "accuracy.svg"
CSV = Path(__file__).parents[1] / "accuracy.csv"
SIZE_IN = (11.0, 5.4)
GOOD, BAD, GREY, LINE = "#2563eb", "#c2410c", "#6b7280", "#16a34a"
PROMISED_PERCENT = 95
FRAMES = {
    frames.GAMMA: "frame error rate, gamma",
    frames.CAPPED: "frame error rate, Korn-Graubard with cap",
    frames.FLOOR: "frame error rate, from the floor alone",
    frames.WALD: "frame error rate, ± 1.96 standard errors",
    frames.NAIVE: "frame error rate, as if drawn at random",
}
ANYTIME = {
    anytime.SEQUENCE: "looked at 200 times: confidence sequence",
    anytime.GAMMA: "looked at 200 times: gamma",
    anytime.WALD: "looked at 200 times: ± 1.96 s.e.",
}
SHIPPED = (frames.GAMMA, anytime.SEQUENCE)
WIDTHS = {frames.GAMMA: "all labels, gamma", frames.FLOOR: "the floor's labels alone"}
WIDTHS_AT = 0.05


def draw(made: Sequence[Row], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "gleaner", "svg.fonttype": "none", "font.size": 10})
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=SIZE_IN, width_ratios=(3, 2))
    _coverages(left, made)
    _widths(right, made)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def groups(made: Sequence[Row]) -> list[tuple[str, list[float], bool]]:
    """From above: the words, the coverage of each cell in %, and whether Gleaner shows such an interval."""
    in_frames, in_time = of(made, "frames"), of(made, "anytime")
    found = [(words, _of(in_frames, method), method in SHIPPED) for method, words in FRAMES.items()]
    found[1:1] = [("the same, partly unreviewed or missing", [100 * row.coverage for row in of(made, "audit")], True)]
    boxes = of(made, "boxes")
    found[2:2] = [
        (method.replace(": ", ", "), _of(boxes, method), True) for method in dict.fromkeys(r.method for r in boxes)
    ]
    return found + [(words, _of(in_time, method), method in SHIPPED) for method, words in ANYTIME.items()]


def _of(made: Sequence[Row], method: str) -> list[float]:
    return [100 * row.coverage for row in made if row.method == method]


def _coverages(panel: Any, made: Sequence[Row]) -> None:
    shown = groups(made)
    panel.axvline(PROMISED_PERCENT, color=LINE, linewidth=1.2)
    panel.text(PROMISED_PERCENT - 1, -0.9, "promised: 95 %", color=LINE, ha="right", va="center")
    for place, (_, coverages, is_shipped) in enumerate(shown):
        style = {"color": GOOD, "marker": "o"} if is_shipped else {"color": BAD, "marker": "D"}
        panel.scatter(coverages, [place] * len(coverages), s=26, alpha=0.65, linewidth=0, **style)
    panel.set_yticks(range(len(shown)), [words for words, _, _ in shown])
    panel.set_ylim(len(shown) - 0.4, -1.4)
    panel.set_xlim(-2, 102)
    panel.set_xlabel("runs whose interval held the truth, % (a dot for each cell)")
    _quiet(panel)


def _widths(panel: Any, made: Sequence[Row]) -> None:
    for method, colour, marker in zip(WIDTHS, (GOOD, GREY), "oD", strict=True):
        chosen = [
            row
            for row in of(made, "frames")
            if row.design == "mix" and row.error_rate == WIDTHS_AT and row.method == method
        ]
        labels, widths = [row.labels for row in chosen], [100 * WIDTHS_AT * row.width for row in chosen]
        panel.plot(labels, widths, color=colour, marker=marker, label=WIDTHS[method])
    panel.set_xscale("log")
    panel.set_xticks(frames.LABELS, [f"{labels:,}" for labels in frames.LABELS])
    panel.set_xlabel("labels")
    panel.set_ylim(0)
    panel.set_title(f"width of the interval around {100 * WIDTHS_AT:.0f} %, in points", fontsize=10)
    panel.legend(frameon=False)
    _quiet(panel)


def _quiet(panel: Any) -> None:
    panel.grid(alpha=0.2)
    panel.spines[["top", "right"]].set_visible(False)
    panel.minorticks_off()


if __name__ == "__main__":
    draw(rows.read(CSV), CSV.parent / "pictures" / NAME)
