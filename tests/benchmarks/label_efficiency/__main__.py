"""`python -m tests.benchmarks.label_efficiency`: prints tables and caveats, writes CSV, picture and the page's tables."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.label_efficiency import digits, drawing, experiment, figures, tables
from tests.benchmarks.label_efficiency.arms import arms
from tests.benchmarks.label_efficiency.figures import Row
from tests.benchmarks.label_efficiency.learners import LEARNERS
from tests.benchmarks.label_efficiency.stream import Plan

CSV, PICTURE, PAGE = "label-efficiency.csv", "pictures/label-efficiency.png", "label-efficiency.md"


def main() -> None:
    options = _options()
    plan = Plan()
    rows = figures.read(options.docs / CSV) if options.redraw else list(_rows(options, plan))
    if not options.redraw:
        figures.write(rows, options.docs / CSV)
    print(said := tables.figures(rows, arms(plan), plan))
    print(f"\nRead with care:\n{tables.CAVEATS}")
    tables.put_into(options.docs / PAGE, said)
    drawing.draw(rows, arms(plan), plan, options.docs / PICTURE)


def _rows(options: argparse.Namespace, plan: Plan) -> Iterator[Row]:
    known = digits.load()
    learners = {name: LEARNERS[name] for name in options.learners}
    for seed in range(options.seeds):
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            yield from experiment.rows(known, plan, arms(plan), learners, seed, Path(folder) / "world")
        print(f"seed {seed}: {time.monotonic() - began_s:.0f} s", file=sys.stderr)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.label_efficiency", description=__doc__)
    parser.add_argument("--seeds", type=int, default=12, help="repetitions (default: 12)")
    parser.add_argument("--learners", nargs="+", choices=LEARNERS, default=list(LEARNERS), help="default: all")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where CSV, picture and page are")
    parser.add_argument("--folder", type=Path, default=None, help="for the logs, 50 MB (default: the temporary folder)")
    parser.add_argument("--redraw", action="store_true", help="no run: tables and picture from the CSV that is there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
