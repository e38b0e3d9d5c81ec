"""`python -m tests.benchmarks.accuracy`: prints the tables, writes the CSV, the picture and the tables of docs/accuracy.md."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from docs.pictures import accuracy as picture
from tests.benchmarks.accuracy import anytime, audits, boxes, frames, rows, tables
from tests.benchmarks.accuracy.rows import Row

CSV, PAGE = "accuracy.csv", "accuracy.md"
FAMILIES = (frames, audits, boxes, anytime)


def main() -> None:
    options = _options()
    made = rows.read(options.docs / CSV) if options.redraw else list(simulate(options.runs, options.seed))
    if not options.redraw:
        rows.write(made, options.docs / CSV)
    print(said := tables.figures(made))
    tables.put_into(options.docs / PAGE, said)
    picture.draw(made, options.docs / "pictures" / picture.NAME)


def simulate(runs: int, seed: int) -> Iterator[Row]:
    for family in FAMILIES:
        began_s = time.monotonic()
        yield from family.rows(runs, seed)
        print(f"{family.__name__}: {time.monotonic() - began_s:.0f} s", file=sys.stderr)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.accuracy", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="per cell (default: 1000, minutes on one core)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where CSV, picture and page are")
    parser.add_argument("--redraw", action="store_true", help="no run: tables and picture from the CSV that is there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
