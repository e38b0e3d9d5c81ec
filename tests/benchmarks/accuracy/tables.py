"""The figures as Markdown: for the terminal, and for `docs/accuracy.md`.

Promises: what the page shows is what the command prints, and both come from the CSV.
"""

from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.accuracy import frames
from tests.benchmarks.accuracy.rows import Row, of

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
Cell = tuple[str, float, int]


def figures(rows: Sequence[Row]) -> str:
    return "\n\n".join([_frames(of(rows, "frames")), *(_long(of(rows, name), name) for name in TITLES)])


def put_into(page: Path, text: str) -> None:
    """Between the page's two marks. Raises ValueError: it has none."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no {BEGIN} and {END}: the figures go between them")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


TITLES = {
    "audit": "*Not everything reviewed, not every image kept*: frame error rate by HT + gamma, design mix",
    "boxes": "*Several objects in a frame, errors in clumps*: design mix",
    "anytime": "*Looked at 200 times*: coverage is the share of runs in which the truth lay in the interval at all looks",
}
_HEADS = ("error rate", "labels", "what", "bias", "rmse", "coverage", "width")


def _frames(rows: Sequence[Row]) -> str:
    """A line for each cell: of every method its coverage, of those that may be compared their error and width too."""
    cells = list(dict.fromkeys((row.design, row.error_rate, row.labels) for row in rows))
    heads = ["design", "error rate", "labels", "naive mean: bias, cover", "floor alone: rmse, cover, width"]
    heads += ["HT: bias, rmse", "Wald cover", "**gamma cover, width**", "KG cover, width"]
    title = f"*Frame error rate*, {_runs(rows)} runs in each cell:"
    return _table(title, heads, [_frames_line(rows, cell) for cell in cells])


def _frames_line(rows: Sequence[Row], cell: Cell) -> list[str]:
    by = {row.method: row for row in rows if (row.design, row.error_rate, row.labels) == cell}
    naive, floor, gamma = by[frames.NAIVE], by[frames.FLOOR], by[frames.GAMMA]
    capped = by[frames.CAPPED]
    return [
        *_cell(*cell),
        f"{naive.bias:+.2f}, {_percent(naive.coverage)}",
        f"{floor.rmse:.2f}, {_percent(floor.coverage)}, {floor.width:.2f}",
        f"{gamma.bias:+.3f}, {gamma.rmse:.2f}",
        _percent(by[frames.WALD].coverage),
        f"**{_percent(gamma.coverage)}**, {gamma.width:.2f}",
        f"{_percent(capped.coverage)}, {capped.width:.2f}",
    ]


def _long(rows: Sequence[Row], family: str) -> str:
    """A line for each row."""
    lines = [[*_cell(row.design, row.error_rate, row.labels)[1:], row.method, *_said(row)] for row in rows]
    return _table(f"{TITLES[family]}, {_runs(rows)} runs in each cell:", list(_HEADS), lines)


def _said(row: Row) -> list[str]:
    return [f"{row.bias:+.3f}", f"{row.rmse:.2f}", _percent(row.coverage), f"{row.width:.2f}"]


def _cell(design: str, error_rate: float, labels: int) -> list[str]:
    return [design, f"{100 * error_rate:.0f} %", f"{labels:,}"]


def _runs(rows: Sequence[Row]) -> str:
    least, most = min(row.runs for row in rows), max(row.runs for row in rows)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _table(title: str, heads: list[str], lines: list[list[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join([title, "", *("| " + " | ".join(row) + " |" for row in rows)])
