"""The tables of options on these pages, made of the strategies' models: `python -m docs.strategies.options`.

Promises: each page lists its strategy's own options; README.md those that every strategy has. A test compares.
"""

import re
from pathlib import Path

from services.cli.settings_page import _rows, _table
from services.sampler.strategies import REGISTRY, Strategy

HERE = Path(__file__).parent
OVERVIEW = HERE / "README.md"
_TABLE = re.compile(r"(?<=<!-- options -->\n).*?(?=<!-- end of options -->)", re.DOTALL)


def page(name: str) -> Path:
    return HERE / f"{name}.md"


def common() -> str:
    """The table of what every strategy has."""
    return _lines(Strategy, without=set())


def own(model: type[Strategy]) -> str:
    """The table of what this strategy alone has."""
    table = _lines(model, without=set(Strategy.model_fields))
    return table if table.count("\n") > 2 else "None of its own.\n"


def _lines(model: type[Strategy], without: set[str]) -> str:
    rows = [row for row in _rows(model) if row[0].partition(".")[0] not in without]
    return _table("", rows).partition("\n\n")[2]


def updated(text: str, table: str) -> str:
    """The page with its table as it should be. Raises ValueError where it has no place for one."""
    if not _TABLE.search(text):
        raise ValueError("expected <!-- options --> and <!-- end of options --> on lines of their own")
    return _TABLE.sub(lambda _: f"\n{table}\n", text)


def tables() -> dict[Path, str]:
    return {OVERVIEW: common(), **{page(name): own(model) for name, model in REGISTRY.items()}}


if __name__ == "__main__":
    for path, table in tables().items():
        path.write_text(updated(path.read_text(encoding="utf-8"), table), encoding="utf-8")
